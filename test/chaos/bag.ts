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
