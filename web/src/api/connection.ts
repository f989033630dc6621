// One request to the server that the page came from: its key, and errors in the server's own words.
import { settings } from "../store/settings";
import { text } from "../language/text";

export class ApiError extends Error {
  constructor(
    readonly status: number, // 0: no answer came
    message: string,
    readonly retry_after: number | null = null,
  ) {
    super(message);
  }
}

async function error_of(response: Response): Promise<ApiError> {
  const body = await response.text();
  const wait = Number(response.headers.get("retry-after"));
  let message = "";
  try {
    message = (JSON.parse(body) as { error?: { message?: string } }).error?.message ?? "";
  } catch {
    message = body.slice(0, 400);
  }
  return new ApiError(response.status, message || `HTTP ${response.status}`, wait > 0 ? wait : null);
}

export interface RequestOptions {
  body?: unknown;
  signal?: AbortSignal;
}

// Paths count from the page's own address, so that it works below a proxy's path too.
export async function ask(path: string, { body, signal }: RequestOptions = {}): Promise<Response> {
  const headers: Record<string, string> = {};
  const key = settings.get().key.trim();
  if (key) headers.authorization = `Bearer ${key}`;
  if (body !== undefined) headers["content-type"] = "application/json";
  let response: Response;
  try {
    response = await fetch(path, {
      method: body === undefined ? "GET" : "POST",
      headers,
      body: body === undefined ? undefined : JSON.stringify(body),
      signal,
      cache: "no-store",
    });
  } catch (fault) {
    if (signal?.aborted) throw fault;
    throw new ApiError(0, text("no_server"));
  }
  if (!response.ok) throw await error_of(response);
  return response;
}

export async function ask_json<T>(path: string, options: RequestOptions = {}): Promise<T> {
  return (await (await ask(path, options)).json()) as T;
}
