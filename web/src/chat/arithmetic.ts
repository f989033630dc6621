// The value of an expression such as (2 + 3) * 4 ** 2, read by itself: nothing is run.
const kToken = /\s*(\d+(?:\.\d+)?(?:e[+-]?\d+)?|\*\*|[-+*/%^()×÷])/giy;

function tokens_of(expression: string): string[] {
  const tokens: string[] = [];
  const text = expression.trim();
  kToken.lastIndex = 0;
  while (kToken.lastIndex < text.length) {
    const at = kToken.lastIndex;
    const found = kToken.exec(text);
    if (!found?.[1]) throw new Error(`cannot read "${text.slice(at)}"`);
    tokens.push(found[1]);
  }
  return tokens;
}

class Reader {
  #at = 0;
  constructor(private readonly tokens: string[]) {}

  whole(): number {
    const value = this.sum();
    if (this.#at < this.tokens.length) throw new Error(`"${this.tokens[this.#at]}" was not expected`);
    return value;
  }

  private take(...wanted: string[]): string | null {
    const token = this.tokens[this.#at];
    if (token === undefined || !wanted.includes(token)) return null;
    ++this.#at;
    return token;
  }

  private sum(): number {
    let value = this.product();
    for (let sign; (sign = this.take("+", "-")); ) value = sign === "+" ? value + this.product() : value - this.product();
    return value;
  }

  private product(): number {
    let value = this.signed();
    for (let sign; (sign = this.take("*", "×", "/", "÷", "%")); ) {
      const other = this.signed();
      if (other === 0 && sign !== "*" && sign !== "×") throw new Error("division by zero");
      value = sign === "*" || sign === "×" ? value * other : sign === "%" ? value % other : value / other;
    }
    return value;
  }

  private signed(): number {
    if (this.take("-")) return -this.signed();
    if (this.take("+")) return this.signed();
    const value = this.atom();
    return this.take("**", "^") ? value ** this.signed() : value;
  }

  private atom(): number {
    if (this.take("(")) {
      const value = this.sum();
      if (!this.take(")")) throw new Error("a bracket does not end");
      return value;
    }
    const token = this.tokens[this.#at++];
    const value = Number(token);
    if (token === undefined || Number.isNaN(value)) throw new Error(`a number was expected, not "${token ?? "the end"}"`);
    return value;
  }
}

export function calculate(expression: string): number {
  const value = new Reader(tokens_of(expression)).whole();
  return Number(value.toPrecision(14));
}
