// The nodes as objects of the API server, labelled as the multi-router guide has its reader label them.
import { nodes as nodeResource } from '../../src/io/kube/index.ts'
import { type ApiAccess, applyObject } from './api.ts'
import { type NodeName, nodes } from './topology.ts'

// The guide labels two nodes: worker1 has neither a rack nor a speaker, and is announced by its rack all the same.
const guideLabels: Readonly<Record<NodeName, Readonly<Record<string, string>>>> = {
  master: { 'openelb.kubesphere.io/rack': 'leaf1', 'lb.kubesphere.io/v1alpha1': 'openelb' },
  worker1: {},
  worker2: { 'openelb.kubesphere.io/rack': 'leaf2', 'lb.kubesphere.io/v1alpha1': 'openelb' },
}

/** Creates the three Nodes, Ready. */
export async function registerNodes(api: ApiAccess): Promise<void> {
  await Promise.all(
    Object.values(nodes).map(async ({ name, address, address6, podCidr, podCidr6 }) => {
      await applyObject(api, nodeResource, {
        apiVersion: 'v1',
        kind: 'Node',
        metadata: {
          name,
          labels: {
            'kubernetes.io/hostname': name,
            'kubernetes.io/os': 'linux',
            'kubernetes.io/arch': process.arch === 'arm64' ? 'arm64' : 'amd64',
            ...guideLabels[name],
          },
        },
        spec: { podCIDR: podCidr, podCIDRs: [podCidr, podCidr6] },
      })
      const room = { cpu: '16', memory: '64Gi', pods: '250', 'ephemeral-storage': '100Gi' }
      await api.request('PATCH', `/api/v1/nodes/${name}/status`, {
        status: {
          addresses: [
            { type: 'InternalIP', address },
            { type: 'InternalIP', address: address6 },
            { type: 'Hostname', address: name },
          ],
          capacity: room,
          allocatable: room,
          conditions: ['Ready', 'MemoryPressure', 'DiskPressure', 'PIDPressure'].map((type) =>
            condition(type, type === 'Ready' ? 'True' : 'False'),
          ),
          nodeInfo: {
            architecture: process.arch === 'arm64' ? 'arm64' : 'amd64',
            operatingSystem: 'linux',
            kubeletVersion: 'v1.36.3',
            kubeProxyVersion: 'v1.36.3',
            containerRuntimeVersion: 'lab://1',
            kernelVersion: '',
            osImage: '',
            machineID: name,
            systemUUID: name,
            bootID: name,
          },
        },
      })
    }),
  )
}

/** Sets one condition of a Node and leaves the others. */
export async function setNodeCondition(
  api: ApiAccess,
  name: NodeName,
  type: string,
  status: 'True' | 'False' | 'Unknown',
): Promise<void> {
  const node = (await api.request('GET', `/api/v1/nodes/${name}`)) as {
    readonly status?: { readonly conditions?: readonly { readonly type: string }[] }
  }
  const others = (node.status?.conditions ?? []).filter((each) => each.type !== type)
  await api.request('PATCH', `/api/v1/nodes/${name}/status`, {
    status: { conditions: [...others, condition(type, status)] },
  })
}

function condition(type: string, status: string): Record<string, string> {
  const now = `${new Date().toISOString().slice(0, 19)}Z`
  return { type, status, reason: 'Lab', message: 'set by the lab', lastHeartbeatTime: now, lastTransitionTime: now }
}
