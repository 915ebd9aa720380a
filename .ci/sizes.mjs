/**
 * What each entry point weighs in a bundle, without effect: minified, and compressed by gzip. A limit is raised on purpose
 * only, in the commit that says what the weight is for.
 */
import { gzipSync } from "node:zlib"
import { rolldown } from "rolldown"

/** Kilobytes of 1 000 bytes. */
const limits = { index: 71, promise: 77, inspector: 51, cluster: 90 }

const weigh = async (entry) => {
  const bundle = await rolldown({
    input: `dist/${entry}.js`,
    external: /^(effect|@effect\/|node:)/,
    platform: "neutral"
  })
  const { output } = await bundle.generate({ format: "esm", minify: true })
  return gzipSync(output.map(({ code = "" }) => code).join(""), { level: 9 }).length / 1000
}

for (const [entry, limit] of Object.entries(limits)) {
  const weight = await weigh(entry)
  console.log(`${entry}: ${weight.toFixed(1)} kB of ${limit} kB`)
  if (weight > limit) process.exitCode = 1
}
