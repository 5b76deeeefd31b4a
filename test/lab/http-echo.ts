// The image `lab/http-echo`, as a program: a server that says who it is, so that a client sees who answered.
//
//   GET /        {"pod": …, "node": …, "client": …}     client: the address that the connection comes from
//   GET /hostname   the name of the Pod, as Kubernetes' own test image answers
//   GET /ready   200, or 503 while the file not-ready lies in $LAB_POD_DIR
import { existsSync } from 'node:fs'
import { createServer } from 'node:http'
import { join } from 'node:path'

const { LAB_POD: pod, LAB_NODE: node, LAB_PORT: port, LAB_POD_DIR: directory = '/nonexistent' } = process.env

const server = createServer((request, response) => {
  if (request.url === '/ready') {
    response.statusCode = existsSync(join(directory, 'not-ready')) ? 503 : 200
    response.end()
    return
  }
  if (request.url === '/hostname') {
    response.end(pod)
    return
  }
  response.setHeader('content-type', 'application/json')
  response.end(`${JSON.stringify({ pod, node, client: request.socket.remoteAddress?.replace('::ffff:', '') })}\n`)
})
server.listen(Number(port ?? 8080))

// Lets requests under way end, as a server behind a load balancer should.
process.once('SIGTERM', () => {
  server.close(() => process.exit(0))
  server.closeIdleConnections()
})
