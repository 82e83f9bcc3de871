/** What a statement says, as a tree. */
export type Expression =
  | { readonly kind: 'literal'; readonly index: number }
  | { readonly kind: 'name'; readonly name: string }
  | { readonly kind: 'call'; readonly name: string; readonly args: readonly Expression[] }
  | { readonly kind: 'cast'; readonly value: Expression; readonly type: string }
  | { readonly kind: 'tuple'; readonly items: readonly Expression[] }
  | { readonly kind: 'element'; readonly of: Expression; readonly at: number }
  | { readonly kind: 'lambda'; readonly names: readonly string[]; readonly body: Expression }
  | { readonly kind: 'binary'; readonly sign: string; readonly left: Expression; readonly right: Expression }
  | { readonly kind: 'not'; readonly value: Expression }
  | { readonly kind: 'null'; readonly value: Expression; readonly is: boolean }
  | { readonly kind: 'in'; readonly value: Expression; readonly set: Expression }
  | { readonly kind: 'like'; readonly value: Expression; readonly pattern: Expression }
  | { readonly kind: 'query'; readonly query: Select };

export interface Selected {
  readonly expression: Expression;
  readonly alias: string | null;
}

export interface Ordered {
  readonly expression: Expression;
  readonly descending: boolean;
}

export interface Select {
  readonly distinct: boolean;
  readonly items: readonly Selected[];
  readonly from: { readonly table: string } | { readonly query: Select } | null;
  readonly where: Expression | null;
  readonly groupBy: readonly Expression[];
  readonly having: Expression | null;
  readonly orderBy: readonly Ordered[];
  /** `ORDER BY ALL`. */
  readonly orderAll: boolean;
  readonly limitBy: { readonly count: Expression; readonly by: readonly Expression[] } | null;
  readonly limit: Expression | null;
}
