// `version`: of this command, and of what runs in the cluster.
import type { Command } from 'commander'
import { type Answer, type Cli, outputOption } from './cli.ts'
import type { Format } from './print.ts'
import { readCluster } from './read-cluster.ts'
import { unreadLines } from './unread.ts'

export function addVersion(program: Command, cli: Cli, version: string): void {
  program
    .command('version')
    .description('version of this command and of the programs in the cluster')
    .addOption(outputOption())
    .option('--client', 'of this command only', false)
    .allowExcessArguments(false)
    .action(async ({ output, client: alone }: { readonly output: Format; readonly client: boolean }) => {
      if (alone) return void cli.out.write(`bellhop ${version}\n`)
      await cli.answer(output, async ({ client }): Promise<Answer> => {
        const { systemNamespace } = cli.options()
        const cluster = await readCluster(client, {
          ...{ systemNamespace, wallMs: cli.wallMs },
          parts: ['deployments', 'daemonsets', 'speakers'],
        })
        const programs = cluster.programs.map(({ component, images }) => ({ component, images }))
        const speakers = Object.groupBy(cluster.speakers, ({ status }) => status.version || 'unknown')
        const counts = Object.entries(speakers).map(([of, those = []]) => ({ version: of, nodes: those.length }))
        return {
          data: { client: version, programs, speakers: counts, unread: cluster.unread },
          lines: (paint) => [
            `bellhop      ${version}`,
            ...programs.map(({ component, images }) => `${component.padEnd(12)} ${images.join(', ')}`),
            ...counts.map((each) => `speakers     ${each.version} on ${each.nodes} nodes`),
            ...unreadLines(cluster.unread, paint),
          ],
        }
      })
    })
}
