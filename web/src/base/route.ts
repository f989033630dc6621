// Where the page is, in the address behind "#": chat/ID, playground, status. Back and forward work by themselves.
import { Observable } from "./observable";

export interface Route {
  room: "chat" | "playground" | "status";
  conversation: string | null;
}

function read_route(): Route {
  const [room, id] = location.hash.replace(/^#\/?/, "").split("/");
  if (room === "playground" || room === "status") return { room, conversation: null };
  return { room: "chat", conversation: room === "chat" && id ? id : null };
}

export const route = new Observable<Route>(read_route());
addEventListener("hashchange", () => route.set(read_route()));

export const address_of = (conversation: string | null): string => (conversation ? `#/chat/${conversation}` : "#/");

export function go(address: string): void {
  location.hash = address;
  route.set(read_route());
}
