/** The door to the admin pages. */
export * as Admin from "./layers/admin/Admin.ts"
