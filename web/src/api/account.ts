// What a server with accounts says of the key that is used. One without has nothing of it, and the page shows nothing.
import { ask_json } from "./connection";

export interface Balance {
  currency: string;
  total_balance: string;
}

// Null where the server keeps no accounts.
export async function find_balance(): Promise<Balance[] | null> {
  try {
    const known = await ask_json<{ balance_infos: Balance[] }>("user/balance");
    return known.balance_infos;
  } catch {
    return null;
  }
}
