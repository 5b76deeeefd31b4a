// A cluster of objects behind a real HTTP server, and the commands run against it as from a shell.
import { Command } from 'commander'
import { Writable } from 'node:stream'
import { type Cli, openCli } from '../../../cli/cli.ts'
import type { ClusterObjects, Part } from '../../../src/core/explain/index.ts'
import * as kinds from '../../../src/io/kube/resources.ts'
import { type KubeObject, type Resource, openClient } from '../../../src/io/kube/index.ts'
import { systemClock } from '../../../src/io/process/clock.ts'
import { silentLog } from '../../../src/io/telemetry/log.ts'
import { type FakeApiServer, openFakeApiServer } from '../../scenario/kube/fake-api-server.ts'

const resources: Readonly<Record<Part, Resource>> = {
  services: kinds.services,
  endpointslices: kinds.endpointSlices,
  namespaces: kinds.namespaces,
  nodes: kinds.nodes,
  servicecidrs: kinds.serviceCidrs,
  eips: kinds.eips,
  eipallocations: kinds.eipAllocations,
  bgpconfs: kinds.bgpConfs,
  bgppeers: kinds.bgpPeers,
  speakers: kinds.speakers,
  racks: kinds.racks,
  leases: kinds.leases,
  deployments: kinds.deployments,
  daemonsets: kinds.daemonSets,
  mutatingwebhookconfigurations: kinds.mutatingWebhookConfigurations,
  validatingwebhookconfigurations: kinds.validatingWebhookConfigurations,
}

export async function serve(objects: ClusterObjects): Promise<FakeApiServer> {
  const server = await openFakeApiServer()
  for (const [part, all] of Object.entries(objects) as readonly (readonly [Part, readonly KubeObject[]])[]) {
    for (const object of all) server.put(resources[part], object)
  }
  return server
}

export interface Said {
  readonly out: string
  readonly err: string
  readonly status: number
}

/** `add`: declares the commands. */
export async function run(
  server: FakeApiServer,
  add: (program: Command, cli: Cli) => void,
  args: readonly string[],
): Promise<Said> {
  const said = { out: '', err: '', status: 0 }
  const into = (name: 'out' | 'err'): Writable =>
    new Writable({
      write(chunk: Buffer, _encoding, done) {
        said[name] += chunk.toString()
        done()
      },
    })
  const program = new Command('bellhop').option('-n, --namespace <name>').exitOverride()
  const [out, err] = [into('out'), into('err')]
  program.configureOutput({ writeOut: (text) => out.write(text), writeErr: (text) => err.write(text) })
  const cli = openCli({
    ...{ program, out, err, environment: {}, wallMs: Date.now },
    setExit: (status) => void (said.status = status),
    open: () => {
      const client = openClient(server.credentials, { log: silentLog, clock: systemClock, userAgent: 'test' })
      const { credentials } = server
      return Promise.resolve({ client, credentials, namespace: 'default', server: credentials.server.href })
    },
  })
  add(program, cli)
  await program.parseAsync(args, { from: 'user' }).catch(() => void (said.status = 2))
  return said
}
