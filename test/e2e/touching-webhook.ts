// Another mutating webhook, as a cluster may have one after ours: it writes an annotation into every Service it is asked
// about, so that the API server asks those before it again. Runs in a namespace that the API server reaches, until its
// standard input ends; says `listening` once it does, and then a line for each review.
//
//   node touching-webhook.ts ADDRESS PORT < credentials        first line: {"certificate": PEM, "key": PEM}
import { createServer } from 'node:https'
import { createInterface } from 'node:readline'
import { json } from 'node:stream/consumers'

interface Review {
  readonly request: { readonly uid: string; readonly object: { readonly metadata: { readonly annotations?: object } } }
}

const [, , host = '', port = ''] = process.argv
const lines = createInterface({ input: process.stdin })
lines.once('line', (line) => serve(JSON.parse(line) as { readonly certificate: string; readonly key: string }))
lines.once('close', () => process.exit(0))

function serve({ certificate, key }: { readonly certificate: string; readonly key: string }): void {
  createServer({ cert: certificate, key }, (request, response) => {
    void json(request).then((body) => {
      const { uid, object } = (body as Review).request
      const patch = [
        ...(object.metadata.annotations === undefined ? [{ op: 'add', path: '/metadata/annotations', value: {} }] : []),
        { op: 'add', path: '/metadata/annotations/example.com~1touched', value: 'yes' },
      ]
      const answer = { uid, allowed: true, patchType: 'JSONPatch', patch: btoa(JSON.stringify(patch)) }
      const review = { apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview', response: answer }
      response.setHeader('content-type', 'application/json').end(JSON.stringify(review))
      process.stdout.write('review\n')
      return undefined
    })
  }).listen(Number(port), host, () => process.stdout.write('listening\n'))
}
