// Whole templates: text, printed expressions and statements.
import { TemplateSyntaxError } from "../errors.ts";
import { trimmed } from "../values/text/character-classes.ts";
import { ExpressionParser } from "./expressions.ts";
import { tokenize } from "./lexer.ts";
import type { Expression, FilterNode, IfNode, MacroNode, Statement, StatementForm, Target } from "./nodes.ts";
import { parseFilter } from "./primary.ts";
import { parseName, parseParameters, parseTarget } from "./targets.ts";
import { matches, TokenStream } from "./tokens.ts";

/** Parses a template. Throws a `TemplateSyntaxError`. */
export function parseStatements(source: string): readonly Statement[] {
  const stream = new TokenStream(tokenize(source));
  return new StatementParser(stream).body([]);
}

class StatementParser {
  readonly #stream: TokenStream;
  readonly #expressions: ExpressionParser;
  /** Tags that are open, each with the names that may come next, for messages. */
  readonly #open: { readonly tag: string; readonly ends: readonly string[] }[] = [];
  /** Loops around the current place, up to the next macro. */
  #loops = 0;
  /** All loops around the current place. */
  #allLoops = 0;

  constructor(stream: TokenStream) {
    this.#stream = stream;
    this.#expressions = new ExpressionParser(stream);
  }

  /** Statements up to a tag of one of the names, which is left to be read. */
  body(ends: readonly string[]): Statement[] {
    const statements: Statement[] = [];
    const stream = this.#stream;
    for (;;) {
      const token = stream.current;
      if (token.type === "eof") {
        if (ends.length > 0) this.#failUnknown(undefined);
        return statements;
      }
      stream.next();
      const { line } = stream.current;
      if (token.type === "data") statements.push({ kind: "text", text: token.text, line: token.line });
      else if (token.type === "variable_begin") {
        statements.push({ kind: "print", value: this.#expressions.tuple(), line });
        stream.expect("variable_end");
      } else {
        if (stream.is("name") && ends.includes(stream.current.text)) return statements;
        for (const form of this.#statement()) statements.push({ ...form, line });
        stream.expect("block_end");
      }
    }
  }

  #statement(): StatementForm[] {
    const stream = this.#stream;
    const token = stream.current;
    if (token.type !== "name") stream.fail("tag name expected");
    const { line } = stream.next();
    switch (token.text) {
      case "if":
        return [this.#if(line)];
      case "for":
        return [this.#for(line)];
      case "set":
        return [this.#set()];
      case "with":
        return [this.#with()];
      case "macro":
        return [this.#macro(line)];
      case "call":
        return [this.#call(line)];
      case "filter":
        return [this.#filter()];
      case "block":
        return [this.#block(line)];
      case "generation":
        return [
          { kind: "generation", macro: { parameters: [], line, body: this.#apart(() => this.#section("generation")) } },
        ];
      case "autoescape": {
        const value = this.#expressions.expression();
        return [{ kind: "autoescape", value, body: this.#section("autoescape") }];
      }
      case "print":
        return this.#print();
      case "break":
      case "continue":
        if (this.#loops === 0) stream.fail(`'${token.text}' outside loop`, line);
        return [{ kind: token.text }];
      case "include":
      case "extends":
      case "import":
      case "from":
        return [this.#import(token.text)];
      default:
        return this.#failUnknown(token.text, line);
    }
  }

  /** The body of a tag up to its end, which is passed over. */
  #section(tag: string, end = `end${tag}`): Statement[] {
    const body = this.#part(tag, [end]);
    this.#stream.next();
    return body;
  }

  #part(tag: string, ends: readonly string[]): Statement[] {
    this.#stream.skip("operator", ":");
    this.#stream.expect("block_end");
    this.#open.push({ tag, ends });
    const body = this.body(ends);
    this.#open.pop();
    return body;
  }

  /** Reads what becomes a function of its own, which no loop outside of it can be left from. */
  #apart<T>(read: () => T): T {
    const loops = this.#loops;
    this.#loops = 0;
    const result = read();
    this.#loops = loops;
    return result;
  }

  #if(line: number): IfNode {
    const test = this.#expressions.tuple({ hasConditionals: false });
    const body = this.#part("if", ["elif", "else", "endif"]);
    const elifs: IfNode[] = [];
    for (;;) {
      const { text, line: own } = this.#stream.next();
      if (text === "elif") {
        const elif = this.#expressions.tuple({ hasConditionals: false });
        elifs.push({
          kind: "if",
          line: own,
          test: elif,
          body: this.#part("if", ["elif", "else", "endif"]),
          elifs: [],
          otherwise: [],
        });
      } else {
        return { kind: "if", line, test, body, elifs, otherwise: text === "else" ? this.#section("if") : [] };
      }
    }
  }

  #for(line: number): StatementForm {
    const stream = this.#stream;
    this.#allLoops += 1;
    const target = this.#target({ ends: ["in"] });
    stream.expect("name", "in");
    const iterable = this.#expressions.tuple({ hasConditionals: false, ends: ["recursive"] });
    const test = stream.skip("name", "if") ? this.#expressions.expression() : undefined;
    const isRecursive = stream.skip("name", "recursive");
    this.#loops += 1;
    const body = this.#part("for", ["endfor", "else"]);
    this.#loops -= 1;
    const otherwise = stream.next().text === "else" ? this.#section("for") : [];
    this.#allLoops -= 1;
    return { kind: "for", target, iterable, test, isRecursive, body, otherwise, line };
  }

  #set(): StatementForm {
    const target = this.#target({ hasNamespaces: true });
    if (this.#stream.skip("operator", "=")) return { kind: "set", target, value: this.#expressions.tuple() };
    const filter = parseFilter(this.#expressions, undefined);
    return { kind: "set block", target, filter, body: this.#section("set") };
  }

  #with(): StatementForm {
    const bindings: { target: Target; value: Expression }[] = [];
    while (!this.#stream.is("block_end")) {
      if (bindings.length > 0) this.#stream.expect("operator", ",");
      const target = this.#target();
      this.#stream.expect("operator", "=");
      bindings.push({ target, value: this.#expressions.expression() });
    }
    return { kind: "with", bindings, body: this.#section("with") };
  }

  #macro(line: number): StatementForm {
    const name = parseName(this.#stream);
    const parameters = parseParameters(this.#expressions);
    const body = this.#apart(() => this.#section("macro"));
    return { kind: "macro", macro: { name, parameters, body, line } };
  }

  #call(line: number): StatementForm {
    const parameters = this.#stream.isOperator("(") ? parseParameters(this.#expressions) : [];
    const call = this.#expressions.expression();
    if (call.kind !== "call") this.#stream.fail("expected call", line);
    const macro: MacroNode = { parameters, body: this.#apart(() => this.#section("call")), line };
    return { kind: "call block", call, macro };
  }

  #filter(): StatementForm {
    const filter = parseFilter(this.#expressions, undefined, true) as FilterNode;
    return { kind: "filter block", filter, body: this.#section("filter") };
  }

  #block(line: number): StatementForm {
    const stream = this.#stream;
    const name = stream.expect("name").text;
    const isScoped = stream.skip("name", "scoped");
    const isRequired = stream.skip("name", "required");
    if (stream.isOperator("-")) {
      stream.fail(
        "Block names in Jinja have to be valid Python identifiers and may not contain hyphens, use an underscore instead.",
      );
    }
    const body = this.#apart(() => this.#section("block"));
    stream.skip("name", name);
    const isEmpty = body.every((node) => node.kind === "text" && trimmed(node.text) === "");
    if (isRequired && !isEmpty) stream.fail("Required blocks can only contain comments or whitespace");
    return { kind: "block", name, isScoped, isRequired, body, line };
  }

  #print(): StatementForm[] {
    const printed: StatementForm[] = [];
    while (!this.#stream.is("block_end")) {
      if (printed.length > 0) this.#stream.expect("operator", ",");
      printed.push({ kind: "print", value: this.#expressions.expression() });
    }
    return printed;
  }

  /** Statements that load other templates. They are read, since Python refuses them where they are run. */
  #import(tag: string): StatementForm {
    const stream = this.#stream;
    const template = this.#expressions.expression();
    const found: string[] = [];
    if (tag === "import") {
      stream.expect("name", "as");
      found.push(parseName(stream));
    }
    if (tag === "from") {
      stream.expect("name", "import");
      while (stream.is("name") && !stream.isName("with", "without")) {
        const name = parseName(stream);
        found.push(stream.skip("name", "as") ? parseName(stream) : name);
        if (!stream.skip("operator", ",")) break;
      }
      if (found.length === 0) stream.expect("name");
    }
    if (tag === "include" && stream.isName("ignore") && matches(stream.following, "name", "missing")) {
      stream.next();
      stream.next();
    }
    if (tag !== "extends" && stream.isName("with", "without") && matches(stream.following, "name", "context")) {
      stream.next();
      stream.next();
    }
    return { kind: "import", template, names: found };
  }

  #target(options: { readonly ends?: readonly string[]; readonly hasNamespaces?: boolean } = {}): Target {
    return parseTarget(this.#stream, { ...options, isInLoop: this.#allLoops > 0 });
  }

  #failUnknown(tag: string | undefined, line = this.#stream.current.line): never {
    const what = tag === undefined ? "Unexpected end of template." : `Encountered unknown tag '${tag}'.`;
    const innermost = this.#open.at(-1);
    if (innermost === undefined) throw new TemplateSyntaxError(what, line);
    const ends = innermost.ends.map((end) => `'${end}'`).join(" or ");
    const wanted = ` Jinja was looking for the following tags: ${ends}.`;
    throw new TemplateSyntaxError(
      `${what}${wanted} The innermost block that needs to be closed is '${innermost.tag}'.`,
      line,
    );
  }
}
