import { Query, QueryHandler, type IQueryHandler } from '@nestjs/cqrs';
import { resolveProject } from '../persistence/project-scope.ts';
import { UnitOfWork } from '../persistence/unit-of-work.ts';
import { environmentNamesIn, resolveKeyStore } from './key-store-scope.ts';
import { keyStoreView, type KeyStoreView } from './key-store-views.ts';

export class GetKeyStores extends Query<KeyStoreView[]> {
  constructor(
    readonly projectName: string,
    /** Undefined: all of the project. */
    readonly name: string | undefined,
  ) {
    super();
  }
}

@QueryHandler(GetKeyStores)
export class GetKeyStoresHandler implements IQueryHandler<GetKeyStores> {
  constructor(private readonly units: UnitOfWork) {}

  execute({ projectName, name }: GetKeyStores): Promise<KeyStoreView[]> {
    return this.units.read(async (unit) => {
      const projectId = await resolveProject(unit, projectName);
      const environmentNames = await environmentNamesIn(unit);
      const names = name === undefined ? [...(await unit.names.all('key-store', projectId)).keys()] : [name];
      const views: KeyStoreView[] = [];
      for (const one of names) views.push(keyStoreView(await resolveKeyStore(unit, projectId, one), environmentNames));
      return views;
    });
  }
}
