// What the commands would have said at the moment of the bundle, so that whoever opens it need not ask again.
import {
  clusterOf,
  explainService,
  judgeStatus,
  peerRows,
  poolRows,
  rackRows,
  serviceRows,
  viewCluster,
} from '../src/core/explain/index.ts'
import { explanationLines } from './explain.ts'
import { peerLines } from './peers.ts'
import { poolLines } from './pools.ts'
import { openPaint } from './print.ts'
import { rackLines } from './racks.ts'
import { serviceLines } from './services.ts'
import { statusLines } from './status.ts'
import type { Collected } from './support-bundle-collect.ts'
import type { TextFile } from './support-bundle-tar.ts'

export interface AnswersAbout {
  readonly system: string
  readonly wallMs: number
  /** Undefined: not tried. */
  readonly webhookAnswers: boolean | undefined
}

/** Services that are explained at most; those in trouble come first. */
const mostExplained = 50

export function answersTo({ objects, unread }: Collected, about: AnswersAbout): readonly TextFile[] {
  const { system, wallMs, webhookAnswers } = about
  const view = viewCluster(
    clusterOf(Object.fromEntries(objects), { readAtMs: wallMs, systemNamespace: system, unread }),
  )
  const paint = openPaint(false)
  const answer = (name: string, lines: readonly string[]): TextFile => ({
    path: `answers/${name}.txt`,
    text: `${lines.join('\n')}\n`,
  })
  const services = serviceRows(view)
  const trouble = services.filter(({ state }) => state !== 'ok')
  const explained = [...trouble, ...services.filter(({ state }) => state === 'ok')].slice(0, mostExplained)
  return [
    // The Secret with the certificate is not looked at.
    answer('status', statusLines(judgeStatus(view, { webhookAnswers, certificateEndsMs: undefined }), paint)),
    answer('pools', poolLines(poolRows(view), paint, true)),
    answer('peers', peerLines(peerRows(view), paint, true)),
    answer('racks', rackLines(rackRows(view), paint, true)),
    answer('services', serviceLines(services, paint, true, true)),
    ...explained.flatMap(({ namespace, name }) => {
      const explanation = explainService(`${namespace}/${name}`, view)
      if (explanation === undefined) return []
      return [answer(`explain/${namespace}.${name}`, explanationLines(explanation, paint))]
    }),
  ]
}
