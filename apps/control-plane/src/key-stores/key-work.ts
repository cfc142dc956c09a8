import { Injectable } from '@nestjs/common';
import { ProjectTurns } from '../turns/project-turns.ts';

const MOST_WAITING = 30;

/** Keys are read and made here, one call of a project at a time: to open one or to make one takes up to some seconds. */
@Injectable()
export class KeyWork extends ProjectTurns {
  constructor() {
    super('calls that read or make keys', MOST_WAITING);
  }
}
