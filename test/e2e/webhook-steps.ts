// The replicas of the webhook as a claim sees them.
import type { Lab } from '../lab/index.ts'

export const sum = (numbers: readonly number[]): number => numbers.reduce((total, each) => total + each, 0)

/** Their addresses. */
export const webhookPods = (lab: Lab): readonly string[] =>
  lab
    .pods()
    .filter((run) => run.programName() === 'webhook')
    .flatMap((run) => run.address() ?? [])

/** Reviews of Services to be changed that each replica has answered. */
export function countReviews(lab: Lab): Promise<readonly number[]> {
  return Promise.all(
    webhookPods(lab).map(async (address) => {
      const text = await lab.read('master', `curl -sf --max-time 5 http://${address}:9080/metrics`)
      const counts = text.matchAll(/^bellhop_\w*admission_decisions_total\{.*path="\/mutate-service".*\} (\d+)$/gm)
      return sum([...counts].map(([, count]) => Number(count)))
    }),
  )
}
