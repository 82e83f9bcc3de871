/** One server-sent event, as the HTML standard reads it. */
export interface ServerEvent {
  readonly id: string | null;
  readonly name: string;
  readonly data: string;
}

/** Puts pieces of a stream together into events; comments and what nobody asked for are passed over. */
export class EventReader {
  #rest = '';
  #id: string | null = null;

  /** The events that are whole now. */
  read(piece: string): ServerEvent[] {
    const text = this.#rest + piece;
    const blocks = text.split(/\r\n\r\n|\n\n|\r\r/);
    this.#rest = blocks.pop() ?? '';
    return blocks.flatMap((block) => this.#event(block));
  }

  #event(block: string): ServerEvent[] {
    let name = 'message';
    const data: string[] = [];
    for (const line of block.split(/\r\n|\n|\r/)) {
      const colon = line.indexOf(':');
      if (colon === 0) continue;
      const field = colon === -1 ? line : line.slice(0, colon);
      const value = colon === -1 ? '' : line.slice(colon + 1).replace(/^ /, '');
      if (field === 'event') name = value;
      else if (field === 'data') data.push(value);
      else if (field === 'id') this.#id = value;
    }
    return data.length === 0 ? [] : [{ id: this.#id, name, data: data.join('\n') }];
  }
}
