// Repeats one probe of a container and tells when its outcome turns.
import { setTimeout as pause } from 'node:timers/promises'

import type { Plane } from './plane.ts'
import type { Container, Probe } from './pod.ts'
import type { NodeName } from './topology.ts'

export interface ProbeTarget {
  readonly node: NodeName
  readonly host: string
}

const firstProbesEveryMs = 100
const firstProbes = 100

/**
 * Until `signal`: often at first, at the probe's own pace once it has succeeded or is not going to. `hurry` resolves when
 * the next one should not wait. `tell` gets the first success and every turn.
 */
export async function repeatProbe(
  plane: Plane,
  { initialDelayMs, periodMs, failureThreshold, ...request }: Probe,
  { node, host }: ProbeTarget,
  signal: AbortSignal,
  hurry: () => Promise<void>,
  tell: (success: boolean) => void,
): Promise<void> {
  let succeeding = false
  let failures = 0
  await pause(initialDelayMs, undefined, { signal }).catch(() => {})
  while (!signal.aborted) {
    const status = await plane.probe(node, { ...request, host }).catch(() => 0)
    if (signal.aborted) return
    if (status >= 200 && status < 400) {
      failures = 0
      if (!succeeding) tell(true)
      succeeding = true
    } else {
      failures += 1
      if (succeeding && failures >= failureThreshold) {
        tell(false)
        succeeding = false
      }
    }
    const waitMs = succeeding || failures > firstProbes ? periodMs : Math.min(firstProbesEveryMs, periodMs)
    await Promise.race([pause(waitMs, undefined, { signal }).catch(() => {}), hurry()])
  }
}

/** The container's own readiness probe; the lab's images have one without saying so. */
export function readinessProbe({ image, ports, readiness }: Container): Probe | undefined {
  if (!isLabImage(image)) return readiness
  return {
    scheme: 'HTTP',
    port: labPort(ports),
    path: '/ready',
    periodMs: 1000,
    timeoutMs: 1000,
    failureThreshold: 1,
    initialDelayMs: 0,
  }
}

/** The lab's server, also where it stands in for the test image that the guides give to a reader's cluster. */
export function isLabImage(image: string): boolean {
  return image.startsWith('lab/') || image.startsWith('registry.k8s.io/e2e-test-images/agnhost')
}

/** Port that a lab image listens on: the first of its manifest. */
export function labPort(ports: ReadonlyMap<string, number>): number {
  return [...ports.values()][0] ?? 8080
}
