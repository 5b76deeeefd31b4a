// Every relative link of every page leads to a file that is there, and to a heading that it has.
import assert from 'node:assert/strict'
import { existsSync, globSync, readFileSync, statSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import { test } from 'node:test'

const root = join(import.meta.dirname, '../../..')
const pages = globSync('**/*.md', { cwd: root, exclude: (path) => /(^|\/)(node_modules|\.lab|dist)$/.test(path) })

/** A page without its fenced blocks and code spans: what looks like a link there is none. */
function proseOf(text: string): string {
  return text.replaceAll(/^(\s*)```[^]*?^\1```$/gm, '').replaceAll(/`[^`\n]*`/g, (code) => 'c'.repeat(code.length))
}

function linksOf(text: string): readonly string[] {
  return [...proseOf(text).matchAll(/\]\(\s*<?([^)>\s]+)>?(?:\s+"[^"]*")?\s*\)/g)].flatMap(([, target]) => target ?? [])
}

/** Anchors as GitHub makes them of headings, a repeated one numbered. */
function anchorsOf(text: string): ReadonlySet<string> {
  const seen = new Map<string, number>()
  const anchors = new Set<string>()
  for (const [, heading = ''] of text.replaceAll(/^(\s*)```[^]*?^\1```$/gm, '').matchAll(/^#{1,6} +(.+?) *#*$/gm)) {
    const plain = heading.replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1').replaceAll(/[`*]/g, '')
    const slug = plain
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
      .replaceAll(' ', '-')
    const count = seen.get(slug) ?? 0
    seen.set(slug, count + 1)
    anchors.add(count === 0 ? slug : `${slug}-${count}`)
  }
  return anchors
}

/** What is wrong with a page's links, a sentence each. */
function brokenLinks(page: string, text: string): readonly string[] {
  return linksOf(text).flatMap((link) => {
    if (/^[a-z]+:/.test(link)) return []
    const [path = '', anchor] = link.split('#')
    const target = path === '' ? page : normalize(join(dirname(page), decodeURIComponent(path)))
    const file = join(root, target)
    if (!existsSync(file)) return [`${page}: ${link} leads to no file`]
    if (anchor === undefined || !statSync(file).isFile() || !target.endsWith('.md')) return []
    const there = target === page ? text : readFileSync(file, 'utf8')
    return anchorsOf(there).has(anchor) ? [] : [`${page}: ${target} has no heading #${anchor}`]
  })
}

test('there are pages to look at', () => {
  assert.ok(pages.includes('README.md') && pages.includes('docs/guide/first-service.md'), pages.join(' '))
})

test('every relative link leads to a file, and to a heading of it', () => {
  const broken = pages.flatMap((page) => brokenLinks(page, readFileSync(join(root, page), 'utf8')))
  assert.deepEqual(broken, [])
})

test('a link to no file, to no heading, and one in code are told apart', () => {
  const text = '# One\n## Two, `x`!\n[a](no.md) [b](#two-x) [c](#three) `[d](no.md)` [e](https://example.com/no.md)\n'
  assert.deepEqual(brokenLinks('README.md', text), [
    'README.md: no.md leads to no file',
    'README.md: README.md has no heading #three',
  ])
})

test('every page of the guide is listed in its README, and every ADR in its own', () => {
  for (const folder of ['docs/guide', 'docs/adr']) {
    const index = linksOf(readFileSync(join(root, folder, 'README.md'), 'utf8'))
    for (const page of pages.filter((each) => dirname(each) === folder && !each.endsWith('/README.md'))) {
      assert.ok(index.includes(page.slice(folder.length + 1)), `${folder}/README.md does not list ${page}`)
    }
  }
})
