// The entries of the cache, aisle by aisle, as visitors were last served them.

const words = { near: "near", server: "Valkey", memory: "memory", stale: "stale", database: "database" }

const element = (name, properties, ...children) => {
  const made = Object.assign(document.createElement(name), properties)
  made.append(...children)
  return made
}

const tile = ({ name }) => element("li", {}, element("span", { textContent: name }), element("b"), element("small"))

const build = (box, shelf) => {
  for (const [aisle, products] of Object.entries(Object.groupBy(shelf, ({ aisle }) => aisle))) {
    const button = element("button", { type: "button", textContent: `Invalidate “${aisle}”` })
    button.dataset.aisle = aisle
    const list = element("ul", {}, ...products.map(tile))
    box.append(element("div", { className: "aisle" }, element("h3", { textContent: aisle }), list, button))
  }
}

export const drawShelf = (box, { shelf, valkey }) => {
  if (box.childElementCount === 0) build(box, shelf)
  box.querySelectorAll("li").forEach((tile, at) => {
    const { place, price } = shelf[at]
    const [, cost, where] = tile.children
    cost.textContent = (price / 100).toFixed(2)
    // Nobody has asked for it since the last look: it is as it was.
    if (place === null) return
    // While Valkey is away, memory answers in its place.
    const served = place === "server" && !["running", "yours"].includes(valkey) ? "memory" : place
    tile.dataset.place = served
    where.textContent = words[served]
  })
}
