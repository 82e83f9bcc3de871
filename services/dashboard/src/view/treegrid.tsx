import { useEffect, useLayoutEffect, useMemo, useRef, useState } from 'preact/hooks';
import { type Focus, keyAction } from '../model/keys.ts';
import { PIECE_ROWS, piecesOf, type Row } from '../model/rows.ts';
import { COLUMNS, RowView } from './row.tsx';

export interface TreegridProps {
  readonly rows: readonly Row[];
  readonly now: number;
  readonly selected: string | null;
  readonly label: string;
  readonly isBusy: boolean;
  readonly onToggle: (ids: readonly string[]) => void;
  readonly onOpen: (id: string) => void;
}

/** The focused row by its id: live news must not move the focus to another one. */
interface FocusById {
  readonly id: string;
  readonly column: number;
}

/** A treegrid by the WAI-ARIA Authoring Practices: one stop of the tab key, everything inside by arrows. */
export function Treegrid({ rows, now, selected, label, isBusy, onToggle, onOpen }: TreegridProps) {
  const grid = useRef<HTMLDivElement>(null);
  const [focusById, setFocus] = useState<FocusById>({ id: '', column: -1 });
  // Set by keys only: a click has moved the focus already, and drawing again must never steal it.
  const moves = useRef(false);
  const focus: Focus = {
    row: Math.max(
      0,
      rows.findIndex(({ node }) => node.id === focusById.id),
    ),
    column: focusById.column,
  };

  useLayoutEffect(() => {
    if (!moves.current) return;
    moves.current = false;
    const row = grid.current?.querySelector<HTMLElement>(`[data-index="${focus.row}"]`);
    const target = focus.column === -1 ? row : row?.querySelector<HTMLElement>(`[data-column="${focus.column}"]`);
    target?.focus({ preventScroll: true });
    row?.scrollIntoView({ block: 'nearest' });
  });

  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.altKey || event.metaKey) return;
    const action = keyAction(rows, COLUMNS.length, focus, { name: event.key, ctrl: event.ctrlKey });
    if (action === undefined) return;
    event.preventDefault();
    if (action.kind === 'open') {
      const id = rows[action.row]?.node.id;
      if (id !== undefined) onOpen(id);
      return;
    }
    moves.current = true;
    if (action.kind === 'toggle') {
      onToggle(action.rows.flatMap((index) => rows[index]?.node.id ?? []));
      setFocus({ id: rows[focus.row]?.node.id ?? '', column: focus.column });
    } else setFocus({ id: rows[action.focus.row]?.node.id ?? '', column: action.focus.column });
  };
  const onFocus = (event: FocusEvent): void => {
    if (!(event.target instanceof HTMLElement)) return;
    const id = event.target.closest<HTMLElement>('[data-id]')?.dataset.id;
    const column = Number(event.target.dataset.column ?? -1);
    if (id !== undefined && (id !== focusById.id || column !== focusById.column)) setFocus({ id, column });
  };
  const pieces = useMemo(() => piecesOf(rows), [rows]);
  return (
    <div
      ref={grid}
      class="grid"
      role="treegrid"
      aria-label={label}
      aria-rowcount={rows.length + 1}
      aria-colcount={COLUMNS.length}
      aria-busy={isBusy}
      onKeyDown={onKeyDown}
      onFocusIn={onFocus}
    >
      <div role="rowgroup" class="grid-head">
        <div role="row" class="row head" aria-rowindex={1}>
          {COLUMNS.map((column, index) => (
            <div role="columnheader" class="cell" key={column} aria-colindex={index + 1}>
              {column}
            </div>
          ))}
        </div>
      </div>
      {pieces.map((piece, index) => (
        <Piece
          key={index}
          rows={piece}
          first={index * PIECE_ROWS}
          isNear={index === 0 || Math.floor(focus.row / PIECE_ROWS) === index}
          now={now}
          selected={selected}
          focus={focus}
          onToggle={(id) => onToggle([id])}
          onOpen={(at) => {
            const id = rows[at]?.node.id;
            if (id !== undefined) onOpen(id);
          }}
        />
      ))}
    </div>
  );
}

interface PieceProps {
  readonly rows: readonly Row[];
  /** Index of its first row in the grid. */
  readonly first: number;
  /** Drawn wherever it is. */
  readonly isNear: boolean;
  readonly now: number;
  readonly selected: string | null;
  readonly focus: Focus;
  readonly onToggle: (id: string) => void;
  readonly onOpen: (index: number) => void;
}

/** Before a piece was drawn its height is a guess, put right when it comes near. */
const ROW_PIXELS = 56;
const NEAR = '800px 0px';

/** Some rows, drawn while they are near what is in sight. */
function Piece({ rows, first, isNear, now, selected, focus, onToggle, onOpen }: PieceProps) {
  const box = useRef<HTMLDivElement>(null);
  const height = useRef<number | null>(null);
  const [isSeen, setSeen] = useState(false);
  useEffect(() => {
    const element = box.current;
    if (element === null) return;
    const observer = new IntersectionObserver(([entry]) => setSeen(entry?.isIntersecting ?? false), {
      rootMargin: NEAR,
    });
    observer.observe(element);
    return () => observer.disconnect();
  }, []);
  const isDrawn = isSeen || isNear;
  useLayoutEffect(() => {
    if (isDrawn && box.current !== null) height.current = box.current.offsetHeight;
  });
  if (!isDrawn) {
    return <div ref={box} role="none" style={{ height: `${height.current ?? rows.length * ROW_PIXELS}px` }} />;
  }
  return (
    <div ref={box} role="rowgroup">
      {rows.map((row, offset) => (
        <RowView
          key={row.node.id}
          row={row}
          index={first + offset}
          now={now}
          selected={row.node.id === selected}
          focusColumn={focus.row === first + offset ? focus.column : null}
          onToggle={onToggle}
          onOpen={onOpen}
        />
      ))}
    </div>
  );
}
