// One speaker between a real API server and two routers: how soon a change is on the wire, what the speaker costs.
import { createInterface } from 'node:readline'

import { say } from '../bench-lab.ts'
import type { Measure, Report } from '../measure.ts'
import { openStand } from './stand.ts'

const prefix = 'bellhop-stand-'
const script = 'test/bench/speaker/measure.ts'

export async function measure(report: Report, sizes: readonly number[]): Promise<void> {
  const stand = await openStand(prefix, say)
  const interrupted = (): void => void stand.close().finally(() => process.exit(130))
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, interrupted)
  try {
    const { kubeconfig, serviceAccount, programs } = stand
    const program = await stand.run(script, [kubeconfig, serviceAccount, programs, prefix, ...sizes.map(String)])
    const { stdout } = program.child
    if (stdout === null) throw new Error('the measuring program has no output')
    for await (const line of createInterface({ input: stdout })) {
      if (line.startsWith('{')) report(JSON.parse(line) as Measure)
      else process.stdout.write(`${line}\n`)
    }
    const how = await program.ended
    if (how !== 'status 0') throw new Error(`the measuring program ended with ${how}: ${program.lastWords()}`)
  } finally {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.off(signal, interrupted)
    await stand.close()
  }
}
