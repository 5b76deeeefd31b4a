// `support-bundle`: one file to hand to somebody who is to find out what is wrong, without a secret in it.
import type { Command } from 'commander'
import { chmod, writeFile } from 'node:fs/promises'
import type { KubeObjectLike } from '../src/core/model/index.ts'
import { namespaces } from '../src/io/kube/resources.ts'
import { openTextReader } from '../src/io/kube/text.ts'
import { systemClock } from '../src/io/process/clock.ts'
import { type Cli, exitStatus } from './cli.ts'
import { cannotAsk } from './connect.ts'
import { readCount } from './numbers.ts'
import { probeWebhook } from './probes.ts'
import { type AnswersAbout, answersTo } from './support-bundle-answers.ts'
import { type Collected, collect } from './support-bundle-collect.ts'
import { redactObject, scrub, secretsIn, variableSecrets } from './support-bundle-redact.ts'
import { type TextFile, packFiles } from './support-bundle-tar.ts'

interface Options {
  readonly output?: string
  readonly tail: number
}

export function addSupportBundle(program: Command, cli: Cli, version: string): void {
  program
    .command('support-bundle')
    .description(
      'one file with all that helps to find out what is wrong: objects, logs, metrics, explanations; no secrets',
    )
    .option('-o, --output <file>', 'where to write it (default: bellhop-support-TIME.tar.gz here)')
    .option('--tail <lines>', 'lines of each log', readCount, 5000)
    .allowExcessArguments(false)
    .action(({ output, tail }: Options) =>
      cli.run(async ({ client, credentials }) => {
        const reached = await client.list(namespaces, { limit: 1 })
        if (!reached.ok && reached.error.code !== 'Forbidden') throw cannotAsk(reached.error)
        const text = openTextReader(credentials, { clock: systemClock, userAgent: 'kubectl-bellhop' })
        const { systemNamespace: system } = cli.options()
        const collected = await collect({ client, text, system, tailLines: tail })
        text.close()
        const wallMs = cli.wallMs()
        const name = `bellhop-support-${new Date(wallMs).toISOString().replace(/[-:]|\.\d+/g, '')}`
        const file = output ?? `${name}.tar.gz`
        const webhookAnswers = await probeWebhook(client, probeTimeoutMs)
        const files = bundleFiles(collected, { version, system, wallMs, webhookAnswers })
        await writeFile(file, packFiles(name, files, wallMs), { mode: 0o600 })
        // Also where the file was there before.
        await chmod(file, 0o600)
        cli.out.write(`${files.find(({ path }) => path === manifestPath)?.text ?? ''}\nWritten to ${file}\n`)
        return exitStatus.well
      }),
    )
}

const manifestPath = 'MANIFEST.txt'
const probeTimeoutMs = 10_000

export interface BundleAbout extends AnswersAbout {
  readonly version: string
}

/** What goes into the bundle: redacted objects, texts without what is known to be secret, and a list of all. */
export function bundleFiles(collected: Collected, about: BundleAbout): readonly TextFile[] {
  const { objects, texts, missing } = collected
  const every = [...objects.values()].flat()
  const secrets = [...secretsIn(every), ...variableSecrets(every)]
  const clean = (path: string, text: string): TextFile => ({ path: scrub(path, secrets), text: scrub(text, secrets) })
  const files = [
    ...[...objects].map(([plural, items]) => clean(`objects/${plural}.json`, listText(items))),
    ...[...texts].map(([path, text]) => clean(path, text)),
    clean('versions/kubectl-bellhop.txt', `${about.version}\n`),
    ...answersTo(collected, about).map(({ path, text }) => clean(path, text)),
  ].toSorted((a, b) => (a.path < b.path ? -1 : 1))
  return [clean(manifestPath, manifestOf(files, missing, about)), ...files]
}

function listText(items: readonly KubeObjectLike[]): string {
  return `${JSON.stringify({ apiVersion: 'v1', kind: 'List', items: items.map(redactObject) }, undefined, 1)}\n`
}

function manifestOf(files: readonly TextFile[], missing: readonly string[], { version, wallMs }: BundleAbout): string {
  const sizes = files.map(({ path, text }) => `${String(Buffer.byteLength(text)).padStart(10)}  ${path}`)
  return [
    `Support bundle of Bellhop, made by kubectl bellhop ${version} at ${new Date(wallMs).toISOString()}`,
    '',
    'Octets      File',
    ...sizes,
    '',
    'Left out on purpose, and replaced by "(left out)" where it stood:',
    '  Secrets, which were not read; passwords of BgpPeers, wherever they stand; values of annotations, of environment',
    '  variables and of command line options that neither Bellhop nor Kubernetes gives; the last applied configuration.',
    'In it: names and addresses of nodes, Services, Pods of Bellhop, routers. Look through it before you hand it on.',
    ...(missing.length === 0 ? [] : ['', 'Not to be had:', ...missing.map((each) => `  ${each}`)]),
    '',
  ].join('\n')
}
