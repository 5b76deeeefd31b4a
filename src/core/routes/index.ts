// The kernel routes and rules that make a node take the traffic of the addresses it is next hop for (design §6 "Host
// routes", docs/adr/0005).
//
// 1. plan.ts: announced addresses and the node's own subnets → the routes and rules the kernel should have.
// 2. diff.ts: wanted and present → what to add, what to remove. Present is only what carries our protocol number.
//
// Numbers: routing table 196, route and rule protocol 196, rule preferences 19599 to 19601: behind table `local` (0), so
// that the node's own addresses win, and before `main` (32766), so that its default route does not. 196 has no name in
// iproute2; where FRR's names are installed, `ip route` prints it as `static` (FRR marks its static routes so). The two
// do not meet: FRR ignores routes of type local and tables it was not told of, and ours are known by table, type and
// device as well.
//
// Never: a route without our protocol number, or REPLACE, which would take a foreign route of the same prefix away.
export * from './diff.ts'
export * from './plan.ts'
