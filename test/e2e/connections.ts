// A client as a program: holds HTTP connections open, sends a request over each every 50 ms, never opens one anew, and
// prints one line of JSON when its standard input ends: what became of each.
//
//   node connections.ts URL COUNT
import { Agent, request } from 'node:http'
import { setTimeout as pause } from 'node:timers/promises'

export interface HeldConnection {
  /** Where its packets come from as the pod sees it: the node at which it came in, or that node's side of the pod's link. */
  readonly from: string
  readonly answered: number
  /** Why it is no more. */
  readonly error?: string
}

const [url = '', count = '1'] = process.argv.slice(2)
const everyMs = 50
const limitMs = 5000
const over = new AbortController()

process.stdin.resume().once('end', () => over.abort())
const held = await Promise.all(Array.from({ length: Number(count) }, hold))
process.stdout.write(`${JSON.stringify(held)}\n`, () => process.exit(0))

async function hold(): Promise<HeldConnection> {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  let from = ''
  let answered = 0
  let port: number | undefined
  try {
    while (!over.signal.aborted) {
      const answer = await ask(agent)
      port ??= answer.localPort
      if (answer.localPort !== port) throw new Error('the server closed it')
      from ||= answer.client
      answered += 1
      await pause(everyMs)
    }
    return { from, answered }
  } catch (error) {
    return { from, answered, error: error instanceof Error ? error.message : String(error) }
  } finally {
    agent.destroy()
  }
}

function ask(agent: Agent): Promise<{ readonly client: string; readonly localPort: number | undefined }> {
  return new Promise((resolve, reject) => {
    const outgoing = request(url, { agent }, (response) => {
      const { localPort } = response.socket
      let body = ''
      response.setEncoding('utf8')
      response.on('data', (chunk: string) => (body += chunk))
      response.on('end', () => {
        clearTimeout(limit)
        resolve({ client: (JSON.parse(body) as { readonly client: string }).client, localPort })
      })
    })
    const limit = setTimeout(() => outgoing.destroy(new Error(`no answer within ${limitMs} ms`)), limitMs)
    outgoing.on('error', (error) => {
      clearTimeout(limit)
      reject(error)
    })
    outgoing.end()
  })
}
