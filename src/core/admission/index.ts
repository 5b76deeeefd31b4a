// What a request to the API server is answered. Pure: a review in, an answer out; claiming is left to the webhook.
//
// 1. review.ts           what is asked
// 2. decide.ts           a Service being created
// 3. update.ts           a Service being changed
// 4. eip.ts, bgp.ts      our own kinds
// 5. json-patch.ts       the answer's operations
export * from './bgp.ts'
export * from './decide.ts'
export * from './eip.ts'
export * from './json-patch.ts'
export * from './review.ts'
export * from './update.ts'
export * from './verdict.ts'
