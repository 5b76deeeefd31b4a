import assert from 'node:assert/strict'
import { readFileSync, readdirSync } from 'node:fs'
import { test } from 'node:test'

import { playPeerScript } from './play-peer.ts'
import { playScript } from './play.ts'

const here = new URL('./', import.meta.url)

for (const name of readdirSync(here).filter((file) => file.endsWith('.txt'))) {
  test(name.slice(0, -'.txt'.length).replaceAll('-', ' '), async () => {
    const script = readFileSync(new URL(name, here), 'utf8')
    assert.ok(script.includes('\n< '), 'a script says what is to happen')
    const played = script.includes('\npeer ') ? await playPeerScript(script) : playScript(script)
    assert.equal(played, script)
  })
}
