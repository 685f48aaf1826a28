/** Builds SVG text: numbers are shortened to two decimals, lists are joined. */
export function svg(
  strings: TemplateStringsArray,
  ...values: (string | number | readonly string[])[]
): string {
  return String.raw({ raw: strings }, ...values.map(toText))
}

function toText(value: string | number | readonly string[]): string {
  if (typeof value === 'number') return String(Math.round(value * 100) / 100)
  return typeof value === 'string' ? value : value.join('')
}

/** Makes a list by calling `make` for 0..count-1. */
export function repeat<T>(count: number, make: (index: number) => T): T[] {
  return Array.from({ length: Math.max(0, Math.round(count)) }, (_, index) => make(index))
}

/** A colour stop: place 0..1, colour, opacity. */
export type Stop = readonly [offset: number, colour: string, opacity?: number]

/** A gradient from top to bottom of whatever it fills. */
export function downward(id: string, stops: readonly Stop[]): string {
  return svg`<linearGradient id="${id}" x1="0" y1="0" x2="0" y2="1">${stops.map(stop)}</linearGradient>`
}

/** A gradient from the middle outward. */
export function outward(id: string, stops: readonly Stop[]): string {
  return svg`<radialGradient id="${id}">${stops.map(stop)}</radialGradient>`
}

function stop([offset, colour, opacity = 1]: Stop): string {
  return svg`<stop offset="${offset}" stop-color="${colour}" stop-opacity="${opacity}"/>`
}

export function circle(x: number, y: number, radius: number, fill: string, opacity = 1): string {
  return svg`<circle cx="${x}" cy="${y}" r="${radius}" fill="${fill}" opacity="${opacity}"/>`
}

export function rectangle(
  x: number,
  y: number,
  width: number,
  height: number,
  fill: string,
  opacity = 1,
): string {
  return svg`<rect x="${x}" y="${y}" width="${width}" height="${height}" fill="${fill}" opacity="${opacity}"/>`
}

export function shape(path: string, fill: string, opacity = 1): string {
  return svg`<path d="${path}" fill="${fill}" opacity="${opacity}"/>`
}

export type Point = readonly [x: number, y: number]

/** Straight lines through the points. */
export function straight(points: readonly Point[]): string {
  return points.map(([x, y], index) => svg`${index ? 'L' : 'M'}${x} ${y}`).join('')
}

/** A soft curve through the points: quadratic pieces that meet halfway. */
export function smooth(points: readonly Point[]): string {
  const [first, ...rest] = points
  if (!first) return ''
  const pieces = rest.map(([x, y], index) => {
    const [nextX, nextY] = rest[index + 1] ?? [x, y]
    return svg`Q${x} ${y} ${(x + nextX) / 2} ${(y + nextY) / 2}`
  })
  return svg`M${first[0]} ${first[1]}${pieces}`
}
