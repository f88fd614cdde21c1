import { useQuery } from "@tanstack/react-query";
import { sessionQuery } from "../api/queries";
import type { Me, Session } from "../api/types";

const nobody: Session = { agent: { id: "", name: "", email: "", role: "agent" }, brand: "", version: "", undo_seconds: 0 };

/** Who is signed in. The shell's route has read the session already; nobody only while signing out. */
export const useSession = (): Session => useQuery({ ...sessionQuery, enabled: false }).data ?? nobody;
export const useMe = (): Me => useSession().agent;
