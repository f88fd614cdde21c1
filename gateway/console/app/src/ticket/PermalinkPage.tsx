import { useNavigate, useParams } from "@tanstack/react-router";
import { useTitle } from "../state/title";
import { useKeys } from "../keys/keys";
import { TicketPage } from "./TicketPage";

/** One request by itself, at the address people send each other. */
export function PermalinkPage() {
  const { ticket = "" } = useParams({ strict: false });
  const navigate = useNavigate();
  const back = (): void => { if (history.length > 1) history.back(); else void navigate({ to: "/" }); };
  useTitle(`#${ticket}`);
  useKeys([{ id: "back", title: "Back", group: "Request", keys: ["u", "Escape"], run: back }]);
  return <><h1 className="sr-only">Request {ticket}</h1><TicketPage key={ticket} reference={ticket} onBack={back} /></>;
}
