// The forms of addresses as CEL, so that they hold when no pod of ours runs. The same forms as parseIp and parseRange
// in core/address; a test feeds both the same texts. CEL can read addresses but not compare them, so the ends of a
// range are compared as text of equal length.
import type { Rule } from './kind.ts'

const padded = (list: string, zeros: string): string => `${list}.map(part, '${zeros}'.substring(size(part)) + part)`

/** CEL list of the eight groups of the IPv6 address `ip` (an expression of type IP), four hex digits each. */
function hextets(ip: string): string {
  const halves = `string(${ip}).split('::')`
  const left = `${halves}[0].split(':').filter(part, part != '')`
  const right = `(size(${halves}) < 2 ? [] : ${halves}[1].split(':').filter(part, part != ''))`
  const group = `i < size(h[0]) ? h[0][i] : i < 8 - size(h[1]) ? '0' : h[1][i - 8 + size(h[1])]`
  return padded(`[[${left}, ${right}]].map(h, [0, 1, 2, 3, 4, 5, 6, 7].map(i, ${group}))[0]`, '0000')
}

/** CEL string of the address `ip`: order of texts is order of addresses within a family. */
function sortable(ip: string): string {
  return `(${ip}.family() == 4 ? ${padded(`string(${ip}).split('.')`, '000')} : ${hextets(ip)}).join('')`
}

const isRange =
  `size(self.split('-')) == 2 && self.split('-').all(end, isIP(end.trim())) && ` +
  `[self.split('-').map(end, ip(end.trim()))].all(ends, ends[0].family() == ends[1].family() && ` +
  `${sortable('ends[0]')} <= ${sortable('ends[1]')})`

/** On a string: `a`, `a/p` or `a-b`. `field` is named in the sentence. OpenELB's words come first (part 1.4). */
export function rangeRule(field: string): Rule {
  const forms = 'the forms are ADDRESS, ADDRESS/PREFIX and FIRST-LAST with the last not before the first'
  const remedy = `correct ${field}, for example 192.0.2.10, 192.0.2.0/24 or 192.0.2.10-192.0.2.20`
  return {
    rule: `isIP(self.trim()) || isCIDR(self.trim()) || (${isRange})`,
    message: `invalid eip address format: ${forms}; ${remedy}`,
    messageExpression: `'invalid eip address format: "' + self + '" cannot be read; ${forms}; ${remedy}'`,
  }
}

/** On a string: one address, or empty where `allowEmpty`. */
export function ipRule(field: string, allow: { readonly empty?: boolean; readonly ipv4Only?: boolean } = {}): Rule {
  const what = allow.ipv4Only === true ? 'an IPv4 address' : 'an IP address'
  const form = allow.ipv4Only === true ? 'isIP(self) && ip(self).family() == 4' : 'isIP(self)'
  return {
    rule: allow.empty === true ? `self == '' || (${form})` : form,
    message: `${field} is not ${what}; zones and IPv4-mapped addresses are not taken`,
    messageExpression: `'${field} "' + self + '" is not ${what}; zones and IPv4-mapped addresses are not taken'`,
  }
}

/** On an EipAllocation: the name is the lock of the address, so it must be the address (design §3). */
export const allocationNameRule: Rule = {
  rule:
    `!isIP(self.spec.address) || self.metadata.name == ` +
    `(ip(self.spec.address).family() == 4 ? string(ip(self.spec.address)) : ` +
    `${hextets('ip(self.spec.address)')}.join('-'))`,
  message:
    'metadata.name must be spec.address, IPv6 written out in full with "-" for ":": the name is what keeps an address from being claimed twice',
}
