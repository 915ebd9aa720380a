/**
 * Each package that a `package-lock.json` takes from a registry has the hash of what is to come, so that nothing else is
 * installed under its name.
 */
import { readFileSync } from "node:fs"

/**
 * Binaries for other platforms than CI's, which the registry that the lock was made with does not have: their hashes are
 * not known here, and they cannot be installed here either. dprint's are checked by dprint itself, whose own package
 * has their hashes.
 */
const unknown = new Set([
  ...[
    "android-arm64",
    "android-x64",
    "darwin-arm64",
    "darwin-x64",
    "linux-arm64-glibc",
    "linux-arm64-musl",
    "linux-loong64-glibc",
    "linux-loong64-musl",
    "linux-ppc64-glibc",
    "linux-ppc64-musl",
    "linux-riscv64-glibc",
    "win32-arm64",
    "win32-x64"
  ].map((platform) => `node_modules/@dprint/${platform}@0.57.4`),
  ...["darwin-arm64", "darwin-x64", "linux-arm", "linux-arm64", "win32-arm64", "win32-x64"].map((platform) =>
    `node_modules/@effect/tsgo-${platform}@0.45.0`
  )
])

const locks = ["package-lock.json", "test/mutation/package-lock.json"]
const packages = locks.flatMap((file) => Object.entries(JSON.parse(readFileSync(file, "utf8")).packages))

const wrong = packages.flatMap(([path, { inBundle, integrity, link, optional, resolved, version }]) => {
  // the project itself, a folder of it, and what comes within another package
  if (path === "" || link === true || inBundle === true) return []
  const name = `${path}@${version}`
  const at = resolved === undefined || resolved.startsWith("https://registry.npmjs.org/")
    ? []
    : [`${name} is resolved to ${resolved}`]
  const known = unknown.delete(name) && optional === true
  if (/^sha512-[A-Za-z0-9+/]{86}==$/.test(integrity ?? "")) return known ? [...at, `${name} has a hash by now`] : at
  return known ? at : [...at, `${name} has no integrity`]
})
for (const name of unknown) wrong.push(`${name} is in no lock any more`)

if (wrong.length > 0) {
  console.error(`The lock files:\n${wrong.map((line) => `  ${line}`).join("\n")}`)
  process.exit(1)
}
