import { draft } from "../completion/drafts";
import type { DocumentContext } from "./document";
import type { ModelTokenizer } from "./tokenizer";

/** A generated token. */
export interface Choice {
  readonly token: number;
  /** Its text behind the piece that generation was held to; absent: the token is not bound by it. */
  readonly beyondPiece?: string;
}

export interface Choosing {
  readonly document: DocumentContext;
  readonly tokenizer: ModelTokenizer;
  readonly prompt: readonly number[];
  /** The end of the prompt that is not evaluated yet. */
  readonly pending: readonly number[];
  /** Generation begins with this text. */
  readonly piece: string;
  /** Tokens of a draft at most; 0: none. */
  readonly draftTokens: number;
  /** Tokens that the context can still take, `pending` included. */
  readonly room: number;
  readonly drafted: { proposed: number; accepted: number };
}

/** Greedy decoding, one token after the other. Leaving the loop evaluates nothing more. */
export async function* chooseTokens(choosing: Choosing): AsyncGenerator<Choice, void, void> {
  const { document, tokenizer, draftTokens, drafted, prompt } = choosing;
  let { room } = choosing;
  let pending = choosing.pending;
  let piece = choosing.piece;
  let dense = true; // until the prompt is evaluated
  const tokens = [...prompt];

  while (piece !== "" && room >= pending.length) {
    const allowed = tokenizer.texts.continuing(piece);
    if (allowed.length === 0) {
      // No token writes such characters: they are evaluated as the tokenizer has them.
      const forced = tokenizer.tokenize(piece);
      pending = [...pending, ...forced];
      tokens.push(...forced);
      break;
    }
    const token = await document.nextAmong(pending, allowed, dense);
    room -= pending.length;
    const said = tokenizer.texts.text(token)!;
    tokens.push(token);
    yield { token, beyondPiece: said.slice(piece.length) };
    piece = piece.slice(said.length);
    pending = [token];
    dense = false;
  }

  while (room >= pending.length) {
    // What is drafted passes through the mask, what is prompt does not.
    const maxTokens = dense && document.activeRatio < 1 ? 0 : Math.min(draftTokens, room - pending.length);
    const drafts = draft(tokens, { cost: document.columnCost, maxTokens });
    const chosen = await document.next(pending, drafts, dense);
    room -= pending.length;
    dense = false;
    const position = document.tokens.length - drafts.length;
    let accepted = 0;
    for (;;) {
      const token = chosen[accepted]!;
      tokens.push(token);
      const agrees = accepted < drafts.length && drafts[accepted] === token;
      if (accepted === 0) {
        drafted.proposed += drafts.length;
      }
      if (agrees) {
        drafted.accepted++;
      }
      yield { token };
      if (!agrees) {
        pending = [token];
        break;
      }
      accepted++;
      room--;
    }
    if (accepted < drafts.length) {
      document.rewind(position + accepted);
    }
  }
}
