// The status of a Pod as its kubelet would write it. Pure.
import type { Container } from './pod.ts'

export interface PodState {
  readonly container: Container
  /** IPv4, then IPv6. */
  readonly hostAddresses: readonly string[]
  readonly addresses: readonly string[]
  /** RFC 3339: when the Pod was first seen, and when `ready` last turned. */
  readonly startedAt: string
  readonly turnedAt: string
  readonly ready: boolean
  readonly running: boolean
  readonly restarts: number
}

/** What goes under `status` as a merge patch. */
export function podStatus(state: PodState): Record<string, unknown> {
  const { container, hostAddresses, addresses, startedAt, turnedAt, ready, running, restarts } = state
  const condition = (type: string, value: boolean, since: string): Record<string, unknown> => ({
    type,
    status: value ? 'True' : 'False',
    lastTransitionTime: since,
  })
  return {
    phase: 'Running',
    hostIP: hostAddresses[0],
    hostIPs: hostAddresses.map((ip) => ({ ip })),
    podIP: addresses[0],
    podIPs: addresses.map((ip) => ({ ip })),
    startTime: startedAt,
    conditions: [
      condition('PodScheduled', true, startedAt),
      condition('Initialized', true, startedAt),
      condition('ContainersReady', ready, turnedAt),
      condition('Ready', ready, turnedAt),
    ],
    containerStatuses: [
      {
        name: container.name,
        image: container.image,
        imageID: '',
        ready,
        started: running,
        restartCount: restarts,
        state: running ? { running: { startedAt: turnedAt } } : { waiting: { reason: 'CrashLoopBackOff' } },
      },
    ],
  }
}
