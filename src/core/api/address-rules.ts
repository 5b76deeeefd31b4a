// The forms of addresses as CEL, so that they hold when no pod of ours runs. The same forms as parseIp and parseRange
// in core/address, but for spaces: test/unit/api/address-texts.ts has the answer that both must give. The API server
// refuses rules that look expensive to it: no traversal of what `split` returns, since it takes each part for as long as
// a string can be.
import type { Rule } from './kind.ts'

const first = "self.substring(0, self.indexOf('-'))"
const last = "self.substring(self.indexOf('-') + 1)"

/**
 * CEL: decimal text of the integer `n`, 0 to 129. Not `string(n)`: the API server takes its result for as long as a
 * string can be and refuses the rule, while a substring is never longer than what it is cut from.
 */
function decimal(n: string): string {
  const tens = `'   1 2 3 4 5 6 7 8 9101112'.substring((${n}) / 10 * 2, (${n}) / 10 * 2 + 2).trim()`
  return `${tens} + '0123456789'.substring((${n}) % 10, (${n}) % 10 + 1)`
}

/** CEL: the block of `length` bits around the first address. */
const block = (length: string): string => `cidr(${first} + '/' + ${decimal(length)})`

// CEL can read addresses but not compare them. The longest block that has both ends is found: the range is in order
// exactly when the first address lies in the lower half of that block. Sixteen bits at a time and then bit by bit, since
// the API server evaluates this at every write of the object, its status included.
const inOrder =
  `[0, 16, 32, 48, 64, 80, 96, 112].exists(high, high < (ip(${first}).family() == 4 ? 32 : 128) && ` +
  `${block('high')}.containsIP(${last}) && !${block('high + 16')}.containsIP(${last}) && ` +
  `[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15].exists(low, ` +
  `[${block('high + low')}].exists(whole, whole.containsIP(${last}) && ` +
  `[${block('high + low + 1')}].exists(half, !half.containsIP(${last}) && whole.masked().ip() == half.masked().ip()))))`

const isRange =
  `self.contains('-') && isIP(${first}) && isIP(${last}) && ip(${first}).family() == ip(${last}).family() && ` +
  `(ip(${first}) == ip(${last}) || ${inOrder})`

/** On a string: `a`, `a/p` or `a-b`, without spaces, which OpenELB refused too. `field` is named in the sentence. OpenELB's words come first (part 1.4). */
export function rangeRule(field: string): Rule {
  const forms = 'the forms are ADDRESS, ADDRESS/PREFIX and FIRST-LAST with the last not before the first'
  const remedy = `correct ${field}, for example 192.0.2.10, 192.0.2.0/24 or 192.0.2.10-192.0.2.20`
  return {
    rule: `isIP(self) || isCIDR(self) || (${isRange})`,
    message: `invalid eip address format: ${forms}; ${remedy}`,
    messageExpression: `'invalid eip address format: "' + self + '" cannot be read; ${forms}; ${remedy}'`,
  }
}

/** On a string: one address, or empty where `empty` is allowed. */
export function ipRule(field: string, allow: { readonly empty?: boolean; readonly ipv4Only?: boolean } = {}): Rule {
  const what = allow.ipv4Only === true ? 'an IPv4 address' : 'an IP address'
  const form = allow.ipv4Only === true ? 'isIP(self) && ip(self).family() == 4' : 'isIP(self)'
  return {
    rule: allow.empty === true ? `self == '' || (${form})` : form,
    message: `${field} is not ${what}; zones and IPv4-mapped addresses are not taken`,
    messageExpression: `'${field} "' + self + '" is not ${what}; zones and IPv4-mapped addresses are not taken'`,
  }
}

const nameAsIp = "self.metadata.name.replace('-', ':')"

/** On an EipAllocation: the name is the lock of the address, so it must be the address (design §3). */
export const allocationNameRule: Rule = {
  rule:
    `!isIP(self.spec.address) || (isIP(${nameAsIp}) && ip(${nameAsIp}) == ip(self.spec.address) && ` +
    `(ip(self.spec.address).family() == 4 || size(self.metadata.name) == 39))`,
  message:
    'metadata.name must be spec.address, IPv6 written out in full with "-" for ":": the name is what keeps an address from being claimed twice',
}
