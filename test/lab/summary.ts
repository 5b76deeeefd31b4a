// What `make lab` prints when the lab is up.
import { relative } from 'node:path'

import type { Lab } from './lab.ts'
import { leafNames, nodeNames, poolCidr } from './topology.ts'

export async function describeLab(lab: Lab, address: string): Promise<string> {
  const routes = await Promise.all(
    ([...leafNames, 'spine'] as const).map(async (router) => {
      return `  ${router.padEnd(6)} ${(await lab.leafNextHops(router, address)).join('  ')}`
    }),
  )
  const programs = nodeNames.map((node) => {
    const here = lab
      .pods()
      .filter((run) => run.node === node)
      .map((run) => run.programName())
      .toSorted()
    return `  ${node.padEnd(8)} ${node === 'master' ? 'etcd, kube-apiserver, kube-controller-manager, ' : ''}kube-proxy, ${here.join(', ')}`
  })
  const kubectl = relative('.', lab.files.kubectl)
  const exec = lab.prefix === 'bellhop-' ? 'make lab-exec' : `make lab-exec PREFIX=${lab.prefix}`
  return `
  client 192.168.100.2 ── spine ─┬─ leaf1 192.168.0.2 ─┬─ master  192.168.0.3
                                 │                     └─ worker1 192.168.0.4
                                 └─ leaf2 192.168.1.1 ─── worker2 192.168.1.2

What runs where (logs in ${relative('.', lab.files.logs)}/, pids in ${relative('.', lab.files.record)})
${programs.join('\n')}

Service default/echo has ${address}, from the pool ${poolCidr}. Next hops of ${address}/32:
${routes.join('\n')}

kubectl:  ${kubectl} get eip,eipa,speakers,racks,bgppeers

Three things to try
  1. Ask as a client, by way of the spine:
     ${exec} ROLE=client CMD='for i in 1 2 3 4 5 6; do curl -s http://${address}/; done'
  2. Create a Service and see the address in the answer:
     ${kubectl} apply -f manifests/samples/porter/service.yaml -o yaml | grep eip.openelb
  3. Let only nodes with a Pod announce it, then look at what leaf1 still knows:
     ${kubectl} patch service echo -p '{"spec":{"externalTrafficPolicy":"Local"}}'
     ${kubectl} scale deployment echo --replicas=1
     ${exec} ROLE=leaf1 CMD='ip route show ${address}'`
}
