// RFC 7606 §3 to §5, clause by clause: damage in an UPDATE, its class and what a NOTIFICATION about it would say.
import type { ErrorClass, UpdateContext } from '../../../../src/core/bgp/wire/index.ts'

export const internal: UpdateContext = { fourOctetAs: true, addPath: [], external: false }
export const external: UpdateContext = { ...internal, external: true }

export const origin = '40 01 01 00'
export const asPath = '40 02 06 02 01 0000fde9'
export const nextHop = '40 03 04 c0000201'
export const good = `${origin} ${asPath} ${nextHop}`
export const prefix = '20 0a000001'
export const reach = '80 0e 1e 0002 01 10 20010db8000000000000000000000001 00 40 20010db800000001'
export const narrow: UpdateContext = { ...internal, fourOctetAs: false }

export interface Row {
  readonly clause: string
  /** In hexadecimal, as everything here. */
  readonly attributes?: string
  readonly nlri?: string
  readonly withdrawn?: string
  /** The whole body instead. */
  readonly whole?: string
  readonly context?: UpdateContext
  readonly class: ErrorClass
  readonly subcode: number
  /** Of the NOTIFICATION. */
  readonly data?: string
}

export const rows: readonly Row[] = [
  {
    clause: 'RFC 7606 §3 b: withdrawn routes and attributes are longer than the message',
    whole: '0009 0000',
    class: 'session-reset',
    subcode: 1,
  },
  {
    clause: 'RFC 7606 §3 b: Total Attribute Length is larger than what is left',
    whole: '0000 0009 40 01 01 00',
    class: 'session-reset',
    subcode: 1,
  },
  {
    clause: 'RFC 7606 §3 c: flags of ORIGIN say optional',
    attributes: `c0 01 01 00 ${asPath} ${nextHop}`,
    class: 'treat-as-withdraw',
    subcode: 4,
    data: 'c0 01 01 00',
  },
  {
    clause: 'RFC 7606 §3 c: flags of MULTI_EXIT_DISC say transitive',
    attributes: `${good} c0 04 04 00000001`,
    class: 'treat-as-withdraw',
    subcode: 4,
    data: 'c0 04 04 00000001',
  },
  {
    clause: 'RFC 7606 §3 d: ORIGIN is missing',
    attributes: `${asPath} ${nextHop}`,
    class: 'treat-as-withdraw',
    subcode: 3,
    data: '01',
  },
  {
    clause: 'RFC 7606 §3 d: AS_PATH is missing',
    attributes: `${origin} ${nextHop}`,
    class: 'treat-as-withdraw',
    subcode: 3,
    data: '02',
  },
  {
    clause: 'RFC 7606 §3 d: NEXT_HOP is missing',
    attributes: `${origin} ${asPath}`,
    class: 'treat-as-withdraw',
    subcode: 3,
    data: '03',
  },
  {
    clause:
      'RFC 7606 §3 e: a session reset of RFC 4271 §6.3 about ORIGIN, AS_PATH, NEXT_HOP, MULTI_EXIT_DISC or LOCAL_PREF',
    attributes: `40 01 01 09 ${asPath} ${nextHop}`,
    class: 'treat-as-withdraw',
    subcode: 6,
    data: '40 01 01 09',
  },
  {
    clause: 'RFC 7606 §3 f: a session reset of RFC 4271 §6.3 about AGGREGATOR',
    attributes: `${good} c0 07 02 fde9`,
    class: 'attribute-discard',
    subcode: 5,
    data: 'c0 07 02 fde9',
  },
  { clause: 'RFC 7606 §3 g: ORIGIN twice', attributes: `${good} 40 01 01 02`, class: 'attribute-discard', subcode: 1 },
  {
    clause: 'RFC 7606 §3 g: MP_UNREACH_NLRI twice',
    attributes: `${good} 80 0f 03 0002 01 80 0f 03 0002 01`,
    class: 'session-reset',
    subcode: 1,
  },
  {
    clause: 'RFC 7606 §3 g: MP_REACH_NLRI twice',
    attributes: `${good} ${reach} ${reach}`,
    class: 'session-reset',
    subcode: 1,
  },
  {
    clause: 'RFC 7606 §3 g: an attribute that we do not know, twice',
    attributes: `${good} c0 63 01 00 c0 63 01 01`,
    class: 'attribute-discard',
    subcode: 1,
  },
  {
    clause: 'RFC 7606 §3 i: a withdrawn prefix of 33 bits',
    attributes: good,
    withdrawn: '21 0a00000100',
    class: 'session-reset',
    subcode: 10,
  },
  {
    clause: 'RFC 7606 §3 i: a withdrawn prefix beyond its field',
    attributes: good,
    withdrawn: '20 0a0000',
    class: 'session-reset',
    subcode: 10,
  },
  {
    clause: 'RFC 7606 §3 j: an attribute runs over the end, and it is MP_REACH_NLRI',
    attributes: `${good} 80 0e 40 0002 01`,
    class: 'session-reset',
    subcode: 1,
  },
  {
    clause: 'RFC 7606 §4: an attribute runs over the end',
    attributes: `${good} 80 04 09 00000001`,
    class: 'treat-as-withdraw',
    subcode: 1,
  },
  {
    clause: 'RFC 7606 §4: an attribute without its length',
    attributes: `${good} 80 04`,
    class: 'treat-as-withdraw',
    subcode: 1,
  },
  {
    clause: 'RFC 7606 §4: an attribute of the extended form without all of its length',
    attributes: `${good} 90 04 00`,
    class: 'treat-as-withdraw',
    subcode: 1,
  },
  {
    clause: 'RFC 7606 §4: an attribute of no octets that must have some',
    attributes: `${good} 80 04 00`,
    class: 'treat-as-withdraw',
    subcode: 5,
    data: '80 04 00',
  },
  {
    clause: 'RFC 7606 §5.2: damage, and no route in the message',
    attributes: `${origin} ${asPath} 80 04 03 000001`,
    nlri: '',
    class: 'session-reset',
    subcode: 5,
    data: '80 04 03 000001',
  },
  {
    clause: 'RFC 7606 §5.2: damage, and no route in MP_REACH_NLRI',
    attributes: `80 0e 15 0002 01 10 20010db8000000000000000000000001 00 ${origin} ${asPath} 80 04 03 000001`,
    nlri: '',
    class: 'session-reset',
    subcode: 5,
    data: '80 04 03 000001',
  },
  {
    clause: 'RFC 7606 §5.3: a prefix of 33 bits',
    attributes: good,
    nlri: '21 0a00000100',
    class: 'session-reset',
    subcode: 10,
  },
  {
    clause: 'RFC 7606 §5.3: a prefix beyond the message',
    attributes: good,
    nlri: '20 0a0000',
    class: 'session-reset',
    subcode: 10,
  },
  {
    clause: 'RFC 7606 §5.3: a prefix of 129 bits in MP_REACH_NLRI',
    attributes: `${good} 80 0e 17 0002 01 10 20010db8000000000000000000000001 00 81 00`,
    class: 'session-reset',
    subcode: 9,
    data: '80 0e 17 0002 01 10 20010db8000000000000000000000001 00 81 00',
  },
  {
    clause: 'RFC 7606 §5.3: a prefix beyond the end of MP_UNREACH_NLRI',
    attributes: `${good} 80 0f 05 0002 01 20 20`,
    class: 'session-reset',
    subcode: 9,
    data: '80 0f 05 0002 01 20 20',
  },
  {
    clause: 'RFC 7606 §5.3: flags of MP_REACH_NLRI say transitive',
    attributes: `${good} c0 0e 04 0002 01 00`,
    class: 'session-reset',
    subcode: 4,
    data: 'c0 0e 04 0002 01 00',
  },
]
