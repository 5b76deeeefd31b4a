// What the API server answers in plain text: logs of Pods, and what a Pod itself answers through the proxy.
import type { Clock } from '../process/clock.ts'
import type { Credentials } from './credentials.ts'
import { kubeError } from './error.ts'
import type { Answer } from './interface.ts'
import { nameOf, openTransport } from './transport.ts'

export interface TextReader {
  /** The first `limitBytes` of the answer. */
  read(path: string, options: { readonly limitBytes: number; readonly timeoutMs: number }): Promise<Answer<string>>
  close(): void
}

export function openTextReader(
  credentials: Credentials,
  options: { readonly clock: Clock; readonly userAgent: string },
): TextReader {
  const transport = openTransport(credentials, options)
  const { clock } = options
  return {
    async read(path, { limitBytes, timeoutMs }) {
      const controller = new AbortController()
      const answer = await transport.open({ method: 'GET', path, timeoutMs }, controller.signal)
      if (!answer.ok) return answer
      const timer = clock.after(timeoutMs, () => controller.abort())
      const chunks: Buffer[] = []
      let size = 0
      try {
        for await (const chunk of answer.value as AsyncIterable<Buffer>) {
          chunks.push(chunk)
          size += chunk.length
          if (size >= limitBytes) break
        }
        return { ok: true, value: Buffer.concat(chunks).subarray(0, limitBytes).toString('utf8') }
      } catch (error) {
        const why = error instanceof Error ? error.message : String(error)
        return { ok: false, error: kubeError('Unreachable', nameOf('GET', path), why) }
      } finally {
        timer.cancel()
        controller.abort()
      }
    },
    close: () => transport.close(),
  }
}
