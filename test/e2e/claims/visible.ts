// What kubectl shows, and who may write what.
import { waitFor } from '../../lab/index.ts'
import { type Claim, conditionOf, expect, getService, kubectl } from '../claim.ts'

export const visible: readonly Claim[] = [
  {
    name: 'kubectl get eip,eipa,speakers,racks,bgppeers,bgpconfs prints useful columns; conditions say Assigned and Advertised',
    async run(lab) {
      const columns: Readonly<Record<string, RegExp>> = {
        eip: /NAME +CIDR +USAGE +TOTAL +FREE +AGE\n.*172\.22\.0\.0\/24 +\d+ +256 +\d+/,
        eipa: /NAME +EIP +SERVICE/,
        speakers: /NAME +RACK +PEERS +UP +PREFIXES +ROUTES +AGE\nmaster +leaf1 +1 +1 +\d+ +\d+/,
        racks: /NAME +SPEAKERS +UP +PROXIED +AGE\nleaf1 +1 +1 +1 +.*\nleaf2 +1 +1 +0/,
        bgppeers: /leaf1 +192\.168\.0\.2 +50001 +1\/1/,
        bgpconfs: /default +50000 +2/,
      }
      for (const [kind, pattern] of Object.entries(columns)) {
        let out = ''
        await waitFor(
          `kubectl get ${kind} prints ${pattern.source}`,
          async () => {
            out = (await kubectl(lab, ['get', kind])).out
            return pattern.test(out)
          },
          { missing: () => out },
        )
      }
      const service = await getService(lab, 'echo')
      expect(conditionOf(service, 'EipAssigned').startsWith('True Assigned'), conditionOf(service, 'EipAssigned'))
      await waitFor(
        'echo is advertised',
        async () => conditionOf(await getService(lab, 'echo'), 'Advertised').startsWith('True Advertised'),
        { timeoutMs: 30_000 },
      )
      return conditionOf(await getService(lab, 'echo'), 'Advertised')
    },
  },
  {
    name: "OPS-08 the token of a speaker cannot write another node's Speaker, a Service or an Eip",
    async run(lab) {
      const as = [
        '--as=system:serviceaccount:bellhop-system:bellhop-speaker',
        '--as-user-extra=authentication.kubernetes.io/node-name=worker2',
      ]
      const tries: readonly (readonly string[])[] = [
        ['patch', 'speaker', 'master', '--subresource=status', '--type=merge', '-p', '{"status":{"rack":"x"}}'],
        ['annotate', 'service', 'echo', 'x=y'],
        ['annotate', 'eip', 'eip-sample-pool', 'x=y'],
      ]
      for (const args of tries) {
        const { ok, said } = await kubectl(lab, [...args, ...as])
        expect(!ok && /[Ff]orbidden|denied/.test(said), `${args.join(' ')}: ${said}`)
      }
      const own = await kubectl(lab, [
        'patch',
        'speaker',
        'worker2',
        '--subresource=status',
        '--type=merge',
        '-p',
        '{}',
        ...as,
      ])
      expect(own.ok, `its own Speaker: ${own.said}`)
      return '3 forbidden, its own allowed'
    },
  },
  {
    name: "OPS-09 the token of the controller cannot change a Service's spec, nor through its status who it belongs to",
    async run(lab) {
      const as = '--as=system:serviceaccount:bellhop-system:bellhop-controller'
      // A Service that is not ours.
      const finalizers = '{"metadata":{"finalizers":["example.com/of-the-controller"]}}'
      const foreign = ['patch', 'service', 'kubernetes', as, '--subresource=status', '-p', finalizers]
      const other = await kubectl(lab, foreign)
      expect(!other.ok && /[Ff]orbidden|denied/.test(other.said), `through the status it said: ${other.said}`)
      const { ok, said } = await kubectl(lab, [
        'patch',
        'service',
        'echo',
        as,
        '-p',
        '{"spec":{"sessionAffinity":"ClientIP"}}',
      ])
      expect(!ok && /[Ff]orbidden|denied/.test(said), `it said: ${said}`)
      return said.slice(0, 120)
    },
  },
]
