// Usage of the last days by key, where the server has accounts.
import { useEffect, useState } from "preact/hooks";
import { find_usage, type UsageRow } from "../api/account";
import { count } from "../base/quantity";
import { text } from "../language/text";
import type { TextName } from "../language/english";

interface Column {
  name: TextName;
  value: (row: UsageRow) => string | undefined;
  is_number?: boolean;
}

const kColumns: Column[] = [
  { name: "usage_day", value: (row) => row.day },
  { name: "usage_account", value: (row) => row.account },
  { name: "key", value: (row) => row.key },
  { name: "figure_model", value: (row) => row.model },
  { name: "status_count", value: (row) => count(row.requests), is_number: true },
  { name: "usage_hit", value: (row) => count(row.prompt_cache_hit_tokens), is_number: true },
  { name: "usage_miss", value: (row) => count(row.prompt_cache_miss_tokens), is_number: true },
  { name: "usage_output", value: (row) => count(row.completion_tokens), is_number: true },
  { name: "usage_cost", value: (row) => `${row.currency} ${row.cost}`, is_number: true },
];

export function UsageTable() {
  const [rows, set_rows] = useState<UsageRow[] | null>(null);
  useEffect(() => void find_usage().then(set_rows), []);
  const columns = kColumns.filter((column) => rows?.some((row) => column.value(row) !== undefined));
  return (
    <section class="engine">
      <h2>{text("status_usage")}</h2>
      {!rows && <p class="quiet">{text("status_usage_missing")}</p>}
      {rows?.length === 0 && <p class="quiet">{text("usage_none")}</p>}
      {rows && rows.length > 0 && (
        <div class="table" tabIndex={0} role="group" aria-label={text("status_usage")}>
          <table>
            <thead>
              <tr>
                {columns.map(({ name, is_number }) => (
                  <th key={name} class={is_number ? "align-right" : undefined}>{text(name)}</th>
                ))}
              </tr>
            </thead>
            <tbody>
              {rows.map((row, index) => (
                <tr key={index}>
                  {columns.map(({ name, value, is_number }) => (
                    <td key={name} class={is_number ? "align-right" : undefined}>{value(row)}</td>
                  ))}
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </section>
  );
}
