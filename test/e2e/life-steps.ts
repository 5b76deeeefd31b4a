// Steps that claims about the life of an address have in common: an Eip deleted by force, programs down for a while, and a
// route that comes or goes.
import { type Lab, waitFor } from '../lab/index.ts'
import { waitForWebhook } from './address-steps.ts'

export const force = { metadata: { annotations: { 'bellhop.dev/force-delete': 'true' } } }
export const servicePath = (name: string): string => `/api/v1/namespaces/default/services/${name}`

export async function routeBecomes(lab: Lab, address: string, there: boolean, timeoutMs = 10_000): Promise<void> {
  await waitFor(
    `leaf2 has ${there ? 'a' : 'no'} route to ${address}`,
    async () => (await lab.leafNextHops('leaf2', address)).length > 0 === there,
    { timeoutMs },
  )
}

/** Every replica of both programs that stand behind the API server is down meanwhile. */
export async function whileDown<T>(
  lab: Lab,
  programs: readonly ('webhook' | 'controller')[],
  show: () => Promise<T>,
): Promise<T> {
  const stopped = programs.map((name) => lab.program(name))
  await Promise.all(stopped.map((program) => program.stop('SIGKILL')))
  try {
    return await show()
  } finally {
    await Promise.all(stopped.map((program) => program.start()))
    if (programs.includes('webhook')) await waitForWebhook(lab)
    await waitForReplicas(lab, ...programs)
  }
}

async function waitForReplicas(lab: Lab, ...programs: readonly string[]): Promise<void> {
  const runs = lab.pods().filter((run) => programs.includes(run.programName() ?? ''))
  await waitFor(`every replica of ${programs.join(' and ')} is ready`, () => runs.every((run) => run.isReady()), {
    timeoutMs: 30_000,
  })
}
