#!/usr/bin/env node
// `kubectl bellhop …` and `bellhop …`: see it, ask it.
import { runProgram } from './program.ts'

await runProgram(process.argv.slice(2), {
  ...{ out: process.stdout, err: process.stderr, environment: process.env, wallMs: Date.now },
  setExit: (status) => void (process.exitCode = status),
})
