/** Those of the names that are asked for; all when none is. A name that is not there is a mistake of whoever asks. */
export function chosen<Name extends string>(names: readonly Name[], asked: readonly string[] | undefined): Name[] {
  const unknown = asked?.find((name) => !names.some((known) => known === name));
  if (unknown !== undefined) throw new RangeError(`there is no "${unknown}" to draw, only ${names.join(', ')}`);
  return names.filter((name) => asked === undefined || asked.includes(name));
}

/** Draws at random; each is drawn before any is drawn again, so that few rounds meet all. */
export function bagOf<Thing>(things: readonly Thing[], random: () => number): () => Thing {
  const bag: Thing[] = [];
  return () => {
    if (bag.length === 0) bag.push(...things);
    const [drawn] = bag.splice(Math.floor(random() * bag.length), 1);
    if (drawn === undefined) throw new RangeError('there is nothing to draw');
    return drawn;
  };
}
