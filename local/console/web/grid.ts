// Places of widgets on CloudWatch's grid of 24 columns. Pure: no DOM.

/** Columns of a dashboard. */
const COLUMNS = 24;

/** A widget's wish; a dashboard may leave places out. */
export interface Wish {
  readonly x?: number;
  readonly y?: number;
  readonly width: number;
  readonly height: number;
}

/** Where a widget is, in columns and rows from 0. */
export interface Place {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** Places widgets where they say. Those without a place follow one after the other, row by row, below what is placed. */
export function placeWidgets(wishes: readonly Wish[]): readonly Place[] {
  const given = wishes.map((wish) => (wish.x === undefined || wish.y === undefined ? undefined : fit(wish)));
  let x = 0;
  let y = Math.max(0, ...given.map((place) => (place ? place.y + place.height : 0)));
  let rowHeight = 0;
  return wishes.map((wish, index) => {
    const known = given[index];
    if (known) return known;
    const { width, height } = fit(wish);
    if (x + width > COLUMNS) {
      x = 0;
      y += rowHeight;
      rowHeight = 0;
    }
    const place = { x, y, width, height };
    x += width;
    rowHeight = Math.max(rowHeight, height);
    return place;
  });
}

function fit({ x = 0, y = 0, width, height }: Wish): Place {
  const left = Math.min(Math.max(x, 0), COLUMNS - 1);
  return {
    x: left,
    y: Math.max(y, 0),
    width: Math.max(1, Math.min(width, COLUMNS - left)),
    height: Math.max(1, height),
  };
}

/** Order in which widgets are read and stand in one column: row by row. */
export function readingOrder(places: readonly Place[]): readonly number[] {
  return places
    .map((place, index) => ({ place, index }))
    .sort((one, other) => one.place.y - other.place.y || one.place.x - other.place.x || one.index - other.index)
    .map(({ index }) => index);
}
