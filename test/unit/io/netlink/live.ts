// Runs inside a namespace: lives as many random lives as it is told with the kernel there. Ends with a failure that
// names the life in which something did not hold.
import * as fc from 'fast-check'

import { hardLife, plainLife } from '../../../property/routes/acts.ts'
import { live } from '../../../property/routes/life.ts'
import { realKernel } from './real-kernel.ts'

const numRuns = Number(process.argv[2])
const kernel = realKernel()
try {
  for (const exact of [true, false]) {
    const property = fc.asyncProperty(exact ? plainLife : hardLife, async (acts) => {
      kernel.clear()
      await live(acts, kernel, { exact })
    })
    // A shorter life that fails too is looked for in the model.
    await fc.assert(property, { numRuns, endOnFailure: true })
  }
} finally {
  kernel.clear()
  kernel.netlink.close()
}
