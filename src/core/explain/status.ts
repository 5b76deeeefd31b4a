// Is all well? One finding for each part of Bellhop, from the programs to the Services.
import { type Reason, type ReasonCode, findCondition, readConditions, soleProviderCondition } from '../model/index.ts'
import { leaderOf, leaderProblem } from './leader.ts'
import { peerRows } from './peers.ts'
import { poolRows } from './pools.ts'
import { rackRows } from './racks.ts'
import { remediesOf } from './remedies.ts'
import { type ServiceRow, serviceRows } from './services.ts'
import { type Finding, counted, fail, listed, ok, unknown, warn } from './stage.ts'
import type { Unread } from './cluster.ts'
import { type ClusterView, isKnown } from './view.ts'

export type Area = 'programs' | 'leader' | 'webhook' | 'pools' | 'peers' | 'racks' | 'routes' | 'services' | 'providers'

/** Somebody wants it so: said, and no alarm. */
const wanted: readonly ReasonCode[] = ['PoolDisabled', 'SessionReset', 'OwnedByCni']

/** What whoever asks has tried besides reading objects. */
export interface Probes {
  /** Of a call through the API server that the webhook must refuse; undefined: it could not be tried. */
  readonly webhookAnswers: boolean | undefined
  /** Wall time at which the serving certificate ends; undefined: it could not be read. */
  readonly certificateEndsMs: number | undefined
}

export interface Status {
  /** Nothing fails and nothing warns. */
  readonly well: boolean
  readonly findings: readonly Finding<Area>[]
  /** By reason, each once. */
  readonly remedies: readonly { readonly reason: ReasonCode; readonly remedy: readonly string[] }[]
  readonly unread: readonly Unread[]
}

const dayMs = 86_400_000
/** Renewed at two thirds of 90 days: with so little left something is wrong. */
const expiringMs = 14 * dayMs
const mostLines = 6

export function judgeStatus(view: ClusterView, probes: Probes): Status {
  const findings = [
    programsFinding(view),
    leaderFinding(view),
    webhookFinding(view, probes),
    poolsFinding(view),
    peersFinding(view),
    racksFinding(view),
    routesFinding(view),
    servicesFinding(view),
    ...providersFinding(view),
  ]
  // What a Service lacks is explained Service by Service.
  const codes = new Set(
    findings.flatMap(({ name, reason }) => (reason === undefined || name === 'services' ? [] : [reason])),
  )
  const about = { namespace: 'NAMESPACE', name: 'NAME', eip: undefined, systemNamespace: view.cluster.systemNamespace }
  return {
    well: findings.every(({ state }) => state === 'ok'),
    findings,
    remedies: [...codes]
      .map((reason) => ({ reason, remedy: remediesOf(reason, about) }))
      .filter(({ remedy }) => remedy.length > 0),
    unread: view.cluster.unread,
  }
}

function programsFinding(view: ClusterView): Finding<Area> {
  if (!isKnown(view, 'deployments', 'daemonsets'))
    return unknown('programs', 'Deployments and DaemonSets could not be read')
  const { programs, systemNamespace } = view.cluster
  const missing = ['webhook', 'controller', 'speaker'].filter(
    (component) => !programs.some((program) => program.component === component),
  )
  const short = programs.filter(({ ready, wanted }) => ready < wanted || wanted === 0)
  const says = programs.map(({ component, ready, wanted }) => `${component} ${ready}/${wanted}`)
  if (missing.length > 0) {
    return fail('programs', 'ProgramNotReady', `${listed(missing)} not found in namespace ${systemNamespace}`, says)
  }
  if (short.length === 0) return ok('programs', `${says.join(', ')} ready`)
  const none = short.some(({ ready }) => ready === 0)
  return (none ? fail : warn)('programs', 'ProgramNotReady', `${says.join(', ')} ready`)
}

function leaderFinding(view: ClusterView): Finding<Area> {
  if (!isKnown(view, 'leases')) return unknown('leader', 'Leases could not be read')
  const problem = leaderProblem(view)
  if (problem !== undefined) return fail('leader', problem.code, problem.message)
  return ok('leader', leaderOf(view) ?? '')
}

function webhookFinding(view: ClusterView, { webhookAnswers, certificateEndsMs }: Probes): Finding<Area> {
  const { webhooks, readAtMs } = view.cluster
  const until = certificateEndsMs === undefined ? undefined : certificateEndsMs - readAtMs
  const days = until === undefined ? '' : `, certificate for ${Math.floor(until / dayMs)} more days`
  if (isKnown(view, 'mutatingwebhookconfigurations', 'validatingwebhookconfigurations')) {
    const bare = webhooks.flatMap(({ kind, hooks }) => hooks.filter(({ hasCaBundle }) => !hasCaBundle).map(() => kind))
    const [first] = bare
    if (webhooks.length < 2) {
      return fail('webhook', 'WebhookUntrusted', 'its two configurations are not both there: it is not called')
    }
    if (first !== undefined) {
      return fail('webhook', 'WebhookUntrusted', `${first} bellhop has no caBundle: the API server does not call it`)
    }
  }
  if (until !== undefined && until < 0) {
    return fail(
      'webhook',
      'CertificateExpiring',
      'its serving certificate has expired: the API server does not call it',
    )
  }
  if (webhookAnswers === false) {
    const says = 'the API server created a Service that it must refuse (as a dry run): it is not reached'
    return fail('webhook', 'WebhookUnreachable', says)
  }
  if (until !== undefined && until < expiringMs) {
    return warn('webhook', 'CertificateExpiring', `its serving certificate ends in ${Math.floor(until / dayMs)} days`)
  }
  return webhookAnswers === undefined
    ? ok('webhook', `configured; that it answers was not tried${days}`)
    : ok('webhook', `answers${days}`)
}

type Problem = Reason & { readonly grave: boolean }

/** Fails with the grave ones first, warns of the others. */
function about(area: Area, says: string, problems: readonly Problem[], details: readonly string[] = []): Finding<Area> {
  const sorted = problems.toSorted((a, b) => Number(b.grave) - Number(a.grave))
  const [first] = sorted.filter(({ code }) => !wanted.includes(code))
  const lines = [...sorted.map(({ code, message }) => `${code}: ${message}`), ...details]
  const short =
    lines.length > mostLines ? [...lines.slice(0, mostLines), `and ${lines.length - mostLines} more`] : lines
  if (first === undefined) return ok(area, says, short)
  return (first.grave ? fail : warn)(area, first.code, says, short)
}

function poolsFinding(view: ClusterView): Finding<Area> {
  if (!isKnown(view, 'eips', 'eipallocations')) return unknown('pools', 'Eips and EipAllocations could not be read')
  const rows = poolRows(view)
  if (rows.length === 0) return warn('pools', 'NoDefaultPool', 'there is no Eip: no Service gets an address')
  const used = rows.reduce((sum, row) => sum + row.used, 0)
  const says = `${counted(rows.length, 'pool')}, ${counted(used, 'address', 'addresses')} in use`
  return about(
    'pools',
    says,
    rows.flatMap(({ problems }) => problems),
  )
}

function peersFinding(view: ClusterView): Finding<Area> {
  if (!isKnown(view, 'bgppeers', 'speakers')) return unknown('peers', 'BgpPeers and Speakers could not be read')
  const rows = peerRows(view)
  const silent = [...view.speakers].filter(([node, { alive }]) => !alive && view.nodes.has(node)).map(([node]) => node)
  const sessions = rows.reduce((sum, row) => sum + row.wanted, 0)
  const up = rows.reduce((sum, row) => sum + row.up, 0)
  const speakers = view.speakers.size - silent.length
  const says = `${up} of ${counted(sessions, 'session')} up, with ${counted(rows.length, 'router')} by ${counted(speakers, 'speaker')}`
  const conf = view.cluster.confs.find(({ name, ownedByCni }) => name === 'default' && !ownedByCni)
  const problems: readonly Problem[] = [
    ...(rows.length === 0
      ? [{ code: 'NoPeer' as const, message: 'there is no BgpPeer: no router is told anything', grave: true }]
      : []),
    ...(conf === undefined && isKnown(view, 'bgpconfs')
      ? [
          {
            code: 'NoBgpConf' as const,
            message: 'there is no BgpConf named default: no session is opened',
            grave: true,
          },
        ]
      : []),
    ...(silent.length === 0
      ? []
      : [
          {
            code: 'SpeakerSilent' as const,
            message: `no sign of life from the speaker of ${listed(silent)}`,
            grave: true,
          },
        ]),
    ...rows.flatMap((row) => row.problems),
  ]
  return about(
    'peers',
    says,
    problems,
    rows.flatMap(({ down }) => down),
  )
}

function racksFinding(view: ClusterView): Finding<Area> {
  if (!isKnown(view, 'racks')) return unknown('racks', 'Racks could not be read')
  const rows = rackRows(view)
  const announced = rows.reduce((sum, row) => sum + row.announced.length, 0)
  const others = announced === 0 ? '' : `, ${counted(announced, 'node')} announced by others`
  return about(
    'racks',
    `${counted(rows.length, 'rack')}${others}`,
    rows.flatMap(({ problems }) => problems),
  )
}

// Addresses that are not announced as one would expect, and host routes, as the speakers say; nodes taken out of traffic.
function routesFinding(view: ClusterView): Finding<Area> {
  if (!isKnown(view, 'speakers')) return unknown('routes', 'Speakers could not be read')
  const living = [...view.speakers].filter(([, { alive }]) => alive).toSorted(([a], [b]) => (a < b ? -1 : 1))
  const out = [...view.nodes.values()].filter(({ drain, excluded }) => drain || excluded).map(({ name }) => name)
  const said = living.flatMap(([node, { status }]) => status.exceptions.map((each) => ({ node, ...each })))
  const problems = [...Map.groupBy(said, ({ reason }) => reason)].map(([code, those]): Problem => {
    const [first = { node: '', message: '' }] = those
    const more = those.length > 1 ? ` (and ${those.length - 1} more)` : ''
    return { code, message: `${first.node}: ${first.message}${more}`, grave: false }
  })
  const short = living.flatMap(([node, { status }]): readonly Problem[] => {
    const { present, wanted: due } = status.routes
    if (present >= due) return []
    return [{ code: 'RouteMissing', message: `${node}: ${present} of ${due} host routes are in place`, grave: false }]
  })
  const isAsWanted = problems.length + short.length === 0
  const says = isAsWanted
    ? 'announced and in the kernels as wanted'
    : 'not all is announced or in the kernels as wanted'
  const details = out.length === 0 ? [] : [`taken out of traffic by annotation or label: ${listed(out.toSorted())}`]
  return about('routes', says, [...problems, ...short], details)
}

function servicesFinding(view: ClusterView): Finding<Area> {
  if (!isKnown(view, 'services', 'eips', 'eipallocations')) return unknown('services', 'Services could not be read')
  const rows = serviceRows(view)
  const count = (state: ServiceRow['state']): number => rows.filter((row) => row.state === state).length
  const parts = [
    ...[count('ok')].map((each) => `${each} with address and route`),
    ...[count('waits')].flatMap((each) => (each > 0 ? [`${each} without an address`] : [])),
    ...[count('noRoute')].flatMap((each) => (each > 0 ? [`${each} without a route`] : [])),
    ...[count('unknown')].flatMap((each) => (each > 0 ? [`${each} not judged yet`] : [])),
  ]
  const says = `${counted(rows.length, 'Service')}: ${parts.join(', ')}`
  const bad = rows.filter(({ state }) => state === 'waits' || state === 'noRoute')
  const byReason = [...Map.groupBy(bad, ({ reason }) => reason)].toSorted(([, a], [, b]) => b.length - a.length)
  const lines = byReason.map(([reason, those]) => {
    const names = those.map(({ namespace, name }) => `${namespace}/${name}`)
    return `${reason}: ${listed(names, 4)}`
  })
  const [first] = byReason
  if (first === undefined) return ok('services', says)
  const [{ namespace, name } = { namespace: '', name: '' }] = first[1]
  const next = `why, and what to do: kubectl bellhop explain service -n ${namespace} ${name}`
  return fail('services', first[0] as ReasonCode, says, [...lines.slice(0, mostLines), next])
}

// Said only when there is something to say: an OpenELB or Porter at work on the same objects.
function providersFinding({ cluster }: ClusterView): readonly Finding<Area>[] {
  const ofServices = cluster.services.map(({ conditions }) => findCondition(conditions, soleProviderCondition))
  const others = [...cluster.eips, ...cluster.peers, ...cluster.confs]
  const ofOthers = others.map(({ status }) => findCondition(readConditions(status), 'SoleProvider'))
  const found = [...ofServices, ...ofOthers].filter((condition) => condition?.status === 'False')
  const [first] = found
  if (first === undefined) return []
  const says = `another provider is at work on ${counted(found.length, 'object')} of ours`
  return [fail('providers', 'OtherProvider', says, [first.message])]
}
