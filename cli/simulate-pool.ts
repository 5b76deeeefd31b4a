// `simulate pool` and `simulate service`: a manifest judged before it is applied.
import type { Command } from 'commander'
import type { Part } from '../src/core/explain/index.ts'
import { type Eip, type Reason, group, objectAt, readEip, readService, stringMapAt } from '../src/core/model/index.ts'
import {
  type PoolSimulation,
  type ServiceSimulation,
  simulatePool,
  simulateService,
} from '../src/core/simulate/index.ts'
import type { Answer, Cli } from './cli.ts'
import { readManifest } from './manifest.ts'
import { type Format, type Paint, formatTable } from './print.ts'
import { readView } from './simulate-view.ts'

type Simulation = (name: string, description: string) => Command

const partsOfPools: readonly Part[] = [
  'services',
  'eips',
  'eipallocations',
  'nodes',
  'bgppeers',
  'servicecidrs',
  'endpointslices',
  'namespaces',
]
const appliedAnnotation = 'kubectl.kubernetes.io/last-applied-configuration'
const mostServices = 20

export function addSimulatePool(simulation: Simulation, cli: Cli): void {
  const command = simulation(
    'pool [name]',
    'an Eip made or edited (-f FILE) or deleted (NAME --delete); exit status 1 if it would be refused or an address stranded',
  )
    .option('-f, --filename <file>', 'manifest of the Eip as it is to be; - for standard input')
    .option('--delete', 'the Eip NAME deleted', false)
  command.action(
    async (
      name: string | undefined,
      { output, filename, delete: gone }: { output: Format; filename?: string; delete: boolean },
    ) => {
      if (gone ? name === undefined || filename !== undefined : filename === undefined || name !== undefined) {
        command.error('error: either -f FILE, or NAME --delete')
      }
      const manifest = filename === undefined ? undefined : await readManifest(filename, 'Eip')
      if (manifest?.ok === false) return command.error(`error: ${manifest.message}`)
      // With the schemas of every kind, which take longer to load than all the rest: no other command needs them.
      const { convertObject } = await import('../src/core/api/index.ts')
      const converted = manifest === undefined ? undefined : convertObject(manifest.object, `${group}/v1alpha2`)
      if (converted?.ok === false) return command.error(`error: ${converted.message}`)
      await cli.answer(output, async (connection): Promise<Answer> => {
        const { pools, cluster, services } = await readView(cli, connection, partsOfPools)
        const written = converted === undefined ? undefined : readEip(converted.object)
        const eip = written?.name ?? name ?? ''
        const before = pools.eips.get(eip)
        const what = `Eip ${eip}`
        if (gone && before === undefined) {
          const missing = `There is no ${what}.`
          return { data: { error: missing }, lines: (paint) => [paint.bad(missing)], wrong: true }
        }
        const after = written === undefined ? undefined : applied(written, before)
        const result = simulatePool({ pools, allocations: cluster.records, services, after, name: eip })
        const { judgement, stranded } = result
        return {
          data: { simulated: what, ...(dataOf(result) as object) },
          lines: (paint, wide) => poolLines(what, result, paint, wide),
          wrong: judgement.kind === 'refuse' || stranded.length > 0,
        }
      })
    },
  )
}

/** As `kubectl apply` would leave it: annotations of others stay, those that the manifest no longer has go. */
export function applied(written: Eip, before: Eip | undefined): Eip {
  if (before === undefined) return { ...written, creationTimestamp: '9999-12-31T23:59:59Z' }
  const last = stringMapAt(parseJson(before.annotations[appliedAnnotation]), 'metadata', 'annotations')
  const kept = Object.entries(before.annotations).filter(([key]) => !(key in last))
  const annotations = { ...Object.fromEntries(kept), ...written.annotations }
  const { uid, creationTimestamp, generation, resourceVersion, labels } = before
  const metadata = { name: written.name, annotations, labels: { ...labels, ...written.labels } }
  // What annotations and labels say of a pool is read by the one reader.
  const { isDefault, forceDelete, ownedByCni } = readEip({ metadata })
  const { deleting, finalizers, status } = before
  return {
    ...written,
    ...{ annotations, labels: metadata.labels, isDefault, forceDelete, ownedByCni },
    ...{ uid, creationTimestamp, generation, resourceVersion, deleting, finalizers, status },
  }
}

function poolLines(what: string, result: PoolSimulation, paint: Paint, wide: boolean): readonly string[] {
  const { operation, judgement, before, after, stranded, services } = result
  const done = { CREATE: 'made', UPDATE: 'changed', DELETE: 'deleted' }[operation]
  const shown = wide ? services : services.slice(0, mostServices)
  const counts = [
    ['now', before],
    ['then', after],
  ] as const
  return [
    judgement.kind === 'refuse'
      ? paint.bad(`${what} would not be ${done}. ${judgement.reason.code}: ${judgement.reason.message}`)
      : paint.good(`${what} would be ${done}.`),
    ...(judgement.kind === 'refuse' ? [] : judgement.warnings.map((warning) => warned(warning, paint))),
    '',
    ...formatTable(
      ['', 'ADDRESSES', 'USED', 'FREE'],
      counts.flatMap(([when, pool]) =>
        pool === undefined ? [] : [[when, String(pool.total), String(pool.used), String(pool.free)]],
      ),
    ),
    ...(stranded.length === 0
      ? []
      : [
          '',
          paint.bad(`In use and no longer in it: ${stranded.length}`),
          ...formatTable(
            ['ADDRESS', 'SERVICE'],
            (wide ? stranded : stranded.slice(0, mostServices)).map(({ address, services }) => [
              address,
              services.join(', '),
            ]),
          ),
        ]),
    ...(services.length === 0 ? ['', 'No Service would be told anything new.'] : ['', 'Services:']),
    ...shown.map(({ service, what }) => `  ${service} ${what}`),
    ...(services.length > shown.length ? [`  … and ${services.length - shown.length} more (-o wide shows all)`] : []),
  ]
}

function dataOf({ operation, judgement, before, after, stranded, services }: PoolSimulation): unknown {
  const counts = (of: PoolSimulation['before']): unknown =>
    of === undefined ? undefined : { total: String(of.total), used: of.used, free: String(of.free) }
  return { operation, ...judgement, before: counts(before), after: counts(after), stranded, services }
}

export function addSimulateService(simulation: Simulation, cli: Cli): void {
  const command = simulation(
    'service',
    'a Service made: which address it would get, or why none; exit status 1 if it would be refused or wait',
  ).requiredOption('-f, --filename <file>', 'manifest of the Service; - for standard input')
  command.action(async ({ output, filename }: { readonly output: Format; readonly filename: string }) => {
    const manifest = await readManifest(filename, 'Service')
    if (!manifest.ok) return command.error(`error: ${manifest.message}`)
    await cli.answer(output, async (connection): Promise<Answer> => {
      const { pools, taken } = await readView(cli, connection, partsOfPools)
      const metadata = { namespace: connection.namespace, ...objectAt(manifest.object, 'metadata') }
      const service = readService({ ...manifest.object, metadata })
      const result = simulateService(service, pools, taken)
      return {
        data: { simulated: `Service ${service.namespace}/${service.name}`, ...result },
        lines: (paint) => serviceLines(`Service ${service.namespace}/${service.name}`, result, paint),
        wrong: result.kind === 'refuse' || result.kind === 'wait',
      }
    })
  })
}

function serviceLines(what: string, result: ServiceSimulation, paint: Paint): readonly string[] {
  switch (result.kind) {
    case 'ignore':
      return [`${what} would not be ours: its type, class or annotation says so, or nothing says that it is.`]
    case 'refuse':
      return [paint.bad(`${what} would be refused. ${result.reason.code}: ${result.reason.message}`)]
    case 'wait':
      return [
        paint.warn(`${what} would be made and wait for an address.`),
        ...result.reasons.map((reason) => warned(reason, paint)),
      ]
    case 'assign': {
      const addresses = result.addresses.map(({ address, eip }) => `${address} of Eip ${eip}`).join(' and ')
      const free = result.certain ? '' : ' (or another free address of the same Eip)'
      return [
        paint.good(`${what} would get ${addresses}${free}.`),
        ...result.warnings.map((reason) => warned(reason, paint)),
      ]
    }
  }
}

function warned({ code, message }: Reason, paint: Paint): string {
  return `${paint.warn(code)}: ${message}`
}

function parseJson(text: string | undefined): unknown {
  try {
    return JSON.parse(text ?? '{}') as unknown
  } catch {
    return {}
  }
}
