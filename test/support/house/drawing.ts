/** A picture of the house: each room above all that it uses. */
import { floorsOf } from "./rooms.ts"

type Uses = Readonly<Record<string, ReadonlyArray<string>>>

const wings = [
  { prefix: "layers", name: "layers: how it is provided", fill: "#dbeafe", line: "#1d4ed8" },
  { prefix: "services", name: "services: what a program asks for", fill: "#dcfce7", line: "#15803d" },
  { prefix: "schema", name: "schema: what crosses a boundary", fill: "#fef3c7", line: "#b45309" },
  { prefix: "", name: "doors: what a program may import", fill: "#f3e8ff", line: "#7e22ce" }
] as const

const wingOf = (room: string) => wings.find(({ prefix }) => room.startsWith(prefix)) ?? wings[3]

const labelOf = (room: string): string => room.replace(/^(layers|services)\//, "")

/** Only what no other arrow says: who uses a room uses what it stands on. */
export const essential = (uses: Uses): Uses => {
  const stands = (room: string, on: string): boolean =>
    (uses[room] ?? []).some((used) => used === on || stands(used, on))
  return Object.fromEntries(
    Object.entries(uses).map(([room, used]) => [
      room,
      used.filter((target) => !used.some((other) => other !== target && stands(other, target)))
    ])
  )
}

/** A room, or the place where an arrow passes a floor. */
interface Box {
  readonly room: string | undefined
  readonly width: number
  x: number
}

const gap = 16
const rowHeight = 92
const boxHeight = 34
const margin = 16

/** How far beneath the roof each room is: right under the lowest of those who use it. */
const depthsOf = (uses: Uses): ReadonlyMap<string, number> => {
  const users: Record<string, Array<string>> = Object.fromEntries(Object.keys(uses).map((room) => [room, []]))
  for (const [room, used] of Object.entries(uses)) for (const target of used) users[target]?.push(room)
  const floors = floorsOf(users)
  if (floors === undefined) throw new Error("the rooms use each other in a circle")
  return new Map([...floors].map(([room, floor]) => [room, floor - 1]))
}

/** Rows from the top, and for each arrow the boxes that it leads through. */
const place = (uses: Uses) => {
  const depths = depthsOf(uses)
  const rows: Array<Array<Box>> = Array.from({ length: 1 + Math.max(...depths.values()) }, () => [])
  const boxes = new Map<string, Box>()
  for (const [room, depth] of depths) {
    const box = { room, width: labelOf(room).length * 7.4 + 20, x: 0 }
    boxes.set(room, box)
    rows[depth]!.push(box)
  }
  const paths = Object.entries(essential(uses)).flatMap(([room, used]) =>
    used.map((target) => {
      const path = [boxes.get(room)!]
      for (let depth = depths.get(room)! + 1; depth < depths.get(target)!; depth++) {
        const passage: Box = { room: undefined, width: 2, x: 0 }
        rows[depth]!.push(passage)
        path.push(passage)
      }
      return [...path, boxes.get(target)!]
    })
  )
  const pageWidth = Math.ceil(
    Math.max(...rows.map((row) => row.reduce((sum, { width }) => sum + width + gap, 2 * margin)))
  )
  for (const row of rows) {
    row.forEach((box, i) => (box.x = (pageWidth * (i + 1)) / (row.length + 1)))
    separate(row, pageWidth)
  }
  const neighbours = new Map<Box, Array<Box>>()
  for (const path of paths) {
    path.forEach((box, i) => {
      const beside = [path[i - 1], path[i + 1]].filter((other) => other !== undefined)
      neighbours.set(box, [...(neighbours.get(box) ?? []), ...beside])
    })
  }
  // Each to the middle of those it is tied to, again and again.
  for (let round = 0; round < 60; round++) {
    for (const row of round % 2 === 0 ? rows : rows.toReversed()) {
      const wanted = new Map(
        row.map((box) => {
          const tied = neighbours.get(box) ?? []
          return [box, tied.length === 0 ? box.x : tied.reduce((sum, { x }) => sum + x, 0) / tied.length]
        })
      )
      row.sort((a, b) => wanted.get(a)! - wanted.get(b)!)
      for (const box of row) box.x = wanted.get(box)!
      separate(row, pageWidth)
    }
  }
  return { pageWidth, paths, rows }
}

/** No two in the same place, all of them on the page, each as near as can be to where it wants to be. */
const separate = (row: ReadonlyArray<Box>, pageWidth: number): void => {
  const least = (i: number) => (i === 0 ? margin + row[0]!.width / 2 : row[i - 1]!.x + distance(row[i - 1]!, row[i]!))
  for (let i = 0; i < row.length; i++) row[i]!.x = Math.max(row[i]!.x, least(i))
  let most = pageWidth - margin
  for (let i = row.length - 1; i >= 0; i--) {
    const box = row[i]!
    box.x = Math.min(box.x, most - box.width / 2)
    most = box.x - box.width / 2 - gap
  }
}

const distance = (a: Box, b: Box): number => (a.width + b.width) / 2 + gap

const at = (number: number): string => String(Math.round(number))

export const draw = (uses: Uses): string => {
  const { pageWidth, paths, rows } = place(uses)
  const legend = 40
  const yOf = (box: Box): number => legend + rows.findIndex((row) => row.includes(box)) * rowHeight + rowHeight / 2
  const arrows = paths.map((path) => {
    const { line } = wingOf(path[0]!.room!)
    const last = path.length - 1
    const points = path.map((box, i) => ({
      x: box.x,
      y: yOf(box) + (i === 0 ? boxHeight / 2 : i === last ? -boxHeight / 2 - 5 : 0)
    }))
    const curve = points
      .slice(1)
      .map(({ x, y }, i) => {
        const from = points[i]!
        const middle = (from.y + y) / 2
        return `C${at(from.x)},${at(middle)} ${at(x)},${at(middle)} ${at(x)},${at(y)}`
      })
      .join(" ")
    return `<path d="M${at(points[0]!.x)},${at(points[0]!.y)} ${curve}" stroke="${line}" marker-end="url(#tip)"/>`
  })
  const boxes = rows.flatMap((row) =>
    row.flatMap((box) => {
      if (box.room === undefined) return []
      const { fill, line } = wingOf(box.room)
      const y = yOf(box)
      return [
        `<rect x="${at(box.x - box.width / 2)}" y="${at(y - boxHeight / 2)}" width="${at(box.width)}" height="${boxHeight}" rx="5" fill="${fill}" stroke="${line}"/>`,
        `<text x="${at(box.x)}" y="${at(y + 4)}">${labelOf(box.room)}</text>`
      ]
    })
  )
  const names = wings.flatMap(({ fill, line, name }, i) => {
    const x = margin + i * 300
    return [
      `<rect x="${x}" y="14" width="14" height="14" rx="3" fill="${fill}" stroke="${line}"/>`,
      `<text x="${x + 22}" y="26" text-anchor="start">${name}</text>`
    ]
  })
  const height = legend + rows.length * rowHeight
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${pageWidth} ${height}" font-family="ui-monospace, Menlo, Consolas, monospace" font-size="12">`,
    `<title>The rooms of the house. Each stands above all that it uses; arrows that follow from others are left out.</title>`,
    `<rect width="${pageWidth}" height="${height}" fill="#ffffff"/>`,
    `<marker id="tip" viewBox="0 0 8 8" refX="4" refY="4" markerWidth="7" markerHeight="7" orient="auto"><path d="M0,0 8,4 0,8z" fill="#64748b"/></marker>`,
    `<g fill="none" stroke-width="1.2" stroke-opacity="0.55">`,
    ...arrows,
    `</g>`,
    `<g text-anchor="middle">`,
    ...names,
    ...boxes,
    `</g>`,
    `</svg>`,
    ``
  ].join("\n")
}
