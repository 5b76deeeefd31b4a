// `status`: is all well, and if not, what is not.
import type { Command } from 'commander'
import { type Part, type Probes, type Status, judgeStatus, parts, viewCluster } from '../src/core/explain/index.ts'
import { type Answer, type Cli, outputOption } from './cli.ts'
import { findingLines } from './findings.ts'
import type { Format, Paint } from './print.ts'
import { probe } from './probes.ts'
import { readCluster } from './read-cluster.ts'
import { unreadLines } from './unread.ts'

/** Routes are as the conditions of the Services say: their endpoints need not be read. */
const asked: readonly Part[] = parts.filter((part) => part !== 'endpointslices')
const notProbed: Probes = { webhookAnswers: undefined, certificateEndsMs: undefined }

export function addStatus(program: Command, cli: Cli): void {
  program
    .command('status')
    .description('is all well? programs, webhook, pools, routers, racks, Services; exit status 1 if something is not')
    .addOption(outputOption(['table', 'json', 'yaml']))
    .option(
      '--no-probe',
      'objects are read and nothing is tried: no dry run through the webhook, no look at its Secret',
    )
    .allowExcessArguments(false)
    .action(({ output, probe: isProbed }: { readonly output: Format; readonly probe: boolean }) =>
      cli.answer(output, async ({ client }): Promise<Answer> => {
        const { systemNamespace } = cli.options()
        const [cluster, probes] = await Promise.all([
          readCluster(client, { systemNamespace, wallMs: cli.wallMs, parts: asked }),
          isProbed ? probe(client, systemNamespace) : notProbed,
        ])
        const status = judgeStatus(viewCluster(cluster), probes)
        const wrong = status.findings.some(({ state }) => state === 'fail' || state === 'warn')
        return { data: status, lines: (paint) => statusLines(status, paint), wrong }
      }),
    )
}

export function statusLines({ findings, remedies, unread }: Status, paint: Paint): readonly string[] {
  const failed = findings.filter(({ state }) => state === 'fail').length
  const warned = findings.filter(({ state }) => state === 'warn').length
  const unseen = findings.filter(({ state }) => state === 'unknown').length
  const headline =
    failed > 0
      ? paint.bad(`Something is wrong: ${failed} of ${findings.length}.`)
      : warned > 0
        ? paint.warn(`It works; ${warned} of ${findings.length} should be looked at.`)
        : unseen > 0
          ? paint.warn('Nothing is wrong as far as could be seen.')
          : paint.good('All is well.')
  const width = remedies.reduce((most, { reason }) => Math.max(most, reason.length), 0)
  return [
    headline,
    '',
    ...findings.flatMap((finding) => findingLines(finding, paint)),
    ...(remedies.length === 0 ? [] : ['']),
    ...remedies.flatMap(({ reason, remedy }) =>
      remedy.map(
        (line, at) =>
          `${at === 0 ? paint.bold(reason) + ' '.repeat(width - reason.length) : ' '.repeat(width)}  ${line}`,
      ),
    ),
    ...unreadLines(unread, paint),
  ]
}
