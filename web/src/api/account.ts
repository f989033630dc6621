// What a server with accounts says of the key that is used. One without has nothing of it, and the page shows nothing.
import { ask_json } from "./connection";

export interface Balance {
  currency: string;
  total_balance: string;
}

// Null where the server keeps no accounts: one that has no usage to tell says a fixed balance for clients' sake.
export async function find_balance(): Promise<Balance[] | null> {
  try {
    if (!(await ask_usage("v1/usage", "day"))) return null;
    const known = await ask_json<{ balance_infos: Balance[] }>("user/balance");
    return known.balance_infos;
  } catch {
    return null;
  }
}

export interface UsageRow {
  day?: string;
  account?: string;
  key?: string;
  model?: string;
  requests: number;
  prompt_cache_hit_tokens: number;
  prompt_cache_miss_tokens: number;
  completion_tokens: number;
  currency: string;
  cost: string;
}

const kDays = 7;

async function ask_usage(path: string, by: string): Promise<UsageRow[] | null> {
  const from = new Date(Date.now() - (kDays - 1) * 86_400_000).toISOString().slice(0, 10);
  try {
    return (await ask_json<{ usage: UsageRow[] }>(`${path}?from=${from}&by=${by}`)).usage;
  } catch {
    return null;
  }
}

// Of the last days: everybody's by key for an admin, else one's own. Null where there are no accounts.
export async function find_usage(): Promise<UsageRow[] | null> {
  return (await ask_usage("admin/usage", "day,account,key,model")) ?? (await ask_usage("v1/usage", "day,key,model"));
}
