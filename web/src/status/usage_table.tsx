// Usage by account, where the server has accounts and the key may see them.
import { text } from "../language/text";

export function UsageTable() {
  return (
    <section class="engine">
      <h2>{text("status_usage")}</h2>
      <p class="quiet">{text("status_usage_missing")}</p>
    </section>
  );
}
