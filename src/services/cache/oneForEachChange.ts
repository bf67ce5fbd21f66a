/** Views that are made once for equal changes of options. */

/** Views that are remembered; a program that makes others at each call makes them anew. */
const most = 64

type Entries = ReadonlyArray<readonly [name: string, value: unknown]>

export const oneForEachChange = <Changes extends object, View>(
  make: (changes: Changes) => View
): ((changes: Changes) => View) => {
  // What was given, since the caller's object may change.
  const known: Array<{ readonly entries: Entries; readonly view: View }> = []
  return (changes) => {
    const count = Object.keys(changes).length
    for (const { entries, view } of known) if (entries.length === count && areIn(changes, entries)) return view
    const view = make(changes)
    if (known.length >= most) known.shift()
    known.push({ entries: Object.entries(changes), view })
    return view
  }
}

/** Values are not looked into. */
const areIn = (changes: object, entries: Entries): boolean => {
  for (const [name, value] of entries) {
    if (!Object.is(Reflect.get(changes, name), value) || !Object.hasOwn(changes, name)) return false
  }
  return true
}
