/** Who events name besides tokens. No token may bear these names: nobody else is to be taken for them. */

/** The bearer of ADMIN_TOKEN. */
export const ADMINISTRATOR_NAME = 'admin';

/** What the control plane does by itself. */
export const CONTROL_PLANE_NAME = 'deployer';
